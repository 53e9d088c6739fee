import { register } from 'node:module';

// `node --import ./test/support/typescript.js file.ts`: for what runs outside Jest, such as its global set-up and
// the processes that tests start.
register('./typescript-hooks.js', import.meta.url);
