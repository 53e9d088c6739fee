declare module 'devour-client';
