// Reads how much memory Metal lets the GPU use from `llama-server --list-devices`.
import { type LlamaPlatform, runLlamaServer } from './llama-capabilities.ts'
import { rememberPerFile } from './per-file.ts'

const mebibyte = 1024 ** 2

/**
 * The device's line, such as `  MTL0: Apple M1 Max (22906 MiB, 22905 MiB free)`; builds until 2025 call it `Metal`
 * (an M4 Max with 128 GB: `Metal: Apple M4 Max (98304 MiB, 98303 MiB free)` under recommendedMaxWorkingSetSize
 * 103079.22 MB, which is the same in decimal; ardanlabs/kronk#10). `BLAS: Accelerate (0 MiB, ...)` doesn't count.
 * @returns bytes; null when no Metal device is listed
 */
export const parseMetalLimitBytes = (listing: string): number | null => {
  const match = /^[ \t]+(?:MTL\d*|Metal\d*): .* \((\d{1,9}) MiB, \d+ MiB free\)\s*$/m.exec(listing)
  const mib = Number(match?.[1] ?? 0)
  return mib > 0 ? mib * mebibyte : null
}

/**
 * Asks once per program file, and again if there was no answer: the first start of Metal takes 5 to 6 s
 * (ardanlabs/kronk#10), longer on a busy machine. null on Linux, and when the program prints no limit.
 */
export const createMetalLimitReader = (platform: LlamaPlatform, run = runLlamaServer) => {
  const ask = rememberPerFile(
    async (binaryPath) => {
      const { stdout, stderr, exitCode } = await run(binaryPath, platform, '--list-devices')
      return { bytes: parseMetalLimitBytes(`${stdout}\n${stderr}`), wasAnswered: exitCode === 0 }
    },
    ({ wasAnswered }) => wasAnswered,
  )
  return async (binaryPath: string): Promise<number | null> =>
    platform === 'darwin' ? (await ask(binaryPath)).bytes : null
}
