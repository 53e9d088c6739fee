/** The acceptance suite: what is promised, asked of a deployment that runs somewhere (docs/testing.md). */
export default {
  rootDir: '../..',
  roots: ['<rootDir>/test/acceptance'],
  testEnvironment: 'node',
  testRegex: '\\.spec\\.ts$',
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '^.+\\.ts$': '@swc/jest' },
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' }, // imports end in .js
  globalSetup: '<rootDir>/test/acceptance/set-up.js',
  globalTeardown: '<rootDir>/test/acceptance/tear-down.js',
  reporters: ['default', '<rootDir>/test/support/closing-line-reporter.js'],
  testTimeout: 60_000,
  maxWorkers: 1, // a deployment in QA_MODE has one clock
};
