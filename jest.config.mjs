import { availableParallelism } from 'node:os';

/** Every spec beside its source and every story in test/, as ES modules, on the sources themselves. */
export default {
  testEnvironment: 'node',
  roots: ['<rootDir>/apps', '<rootDir>/libs', '<rootDir>/test'],
  testMatch: ['**/*.spec.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: {
    '^#(protocol|store|tracing|federation|agents|api|client)$': '<rootDir>/libs/$1/src/index.ts',
    '^(\\.{1,2}/.*)\\.js$': '$1',
  },
  transform: { '^.+\\.ts$': ['ts-jest', { useESM: true, diagnostics: false }] },
  // Most of a test is waiting for processes: one worker more than there are cores.
  maxWorkers: availableParallelism() + 1,
  // What a worker has loaded stays in it, and each start of a process copies the tables of its memory: a large one is slow to fork.
  workerIdleMemoryLimit: '400MB',
  setupFilesAfterEnv: ['<rootDir>/test/support/small-starter.ts'],
  testSequencer: '<rootDir>/tools/slowest-first.mjs',
  // A guard against what hangs, not a bound: those stand in test/bench. A slow machine may be slow.
  testTimeout: 120_000,
  reporters: ['default', '<rootDir>/tools/closing-line.mjs'],
};
