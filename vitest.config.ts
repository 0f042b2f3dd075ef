// Two kinds of tests: quick ones beside their source, and end-to-end ones on the real servers, one at a time.
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    // One more than cores: the unit tests mostly wait for processes, sockets and files.
    maxWorkers: 3,
    projects: [
      {
        test: {
          name: 'unit',
          include: ['electron/**/*.test.ts', 'renderer/**/*.test.ts', 'scripts/**/*.test.ts'],
          // Supervisor and lock tests start real processes; a busy two-core machine needs more than the default 5 s.
          testTimeout: 20_000,
          hookTimeout: 20_000,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['e2e/**/*.e2e.ts'],
          // One stack at a time: they share ports, memory and two cores.
          fileParallelism: false,
          testTimeout: 5 * 60_000,
          hookTimeout: 10 * 60_000,
          // What is polled follows a chain of programs, beside six streams that hold both cores.
          expect: { poll: { timeout: 30_000 } },
        },
      },
    ],
  },
})
