import { defineConfig } from 'vitest/config';

/** What runs the seeds' and the pages' own commands needs the ports that stand in them to itself. */
const AT_FIXED_PORTS = ['test/integration/platform/*/seed-commands.test.ts', 'test/integration/docs/**/*.test.ts'];

/**
 * What any machine can run; what needs a real Cassandra, Prometheus, browser or cluster beside it, two files at a time
 * because most of them wait for something; and what cannot have another beside it.
 */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/integration/**'],
          testTimeout: 20_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          exclude: AT_FIXED_PORTS,
          testTimeout: 120_000,
          hookTimeout: 180_000,
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'fixed-ports',
          include: AT_FIXED_PORTS,
          testTimeout: 120_000,
          hookTimeout: 180_000,
          fileParallelism: false,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
