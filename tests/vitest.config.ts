import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

// `npm test` leaves out tests/browser and tests/runtimes, which need more than npm brings, and tests/faults, which take
// minutes: .ci/run runs them.
export default defineConfig({
  root: join(import.meta.dirname, '..'),
  test: {
    dir: 'tests',
    include: ['**/*.test.{ts,tsx}'],
    globalSetup: ['tests/support/global-setup.ts'],
    pool: 'forks',
    // one more than the cores of a small machine: many tests wait for a clock or for Postgres
    maxWorkers: 3,
    testTimeout: 20_000,
    hookTimeout: 30_000,
    // what is waited for comes late on a machine that does other things besides
    expect: { poll: { timeout: 15_000 } },
  },
});
