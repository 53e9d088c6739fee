process.env.NODE_ENV = 'test';
process.env.BCRYPT_COST = '4';
process.env.LOG_LEVEL ??= 'silent';
process.env.SECRET_KEY = '0123456789abcdef'.repeat(4);
