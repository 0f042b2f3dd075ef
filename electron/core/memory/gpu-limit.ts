// Estimates Metal's default limit of wired GPU memory; only the device knows the real one.
import type { PlanInput } from './tally.ts'

/** Sizes up to this get two thirds, larger ones three quarters. */
const smallMachineBytes = 36 * 1024 ** 3

/**
 * Reported recommendedMaxWorkingSetSize: 5.3 of 8, 10.7 of 16 and 21.3 of 32 GiB (2/3), 384 of 512 GiB (3/4), 107.5 of
 * 128 GiB on macOS 26 (ollama#17367). The share varies, so this is on the low side and must be shown as an estimate.
 */
export const estimateGpuLimitBytes = (totalBytes: number): number =>
  Math.floor(totalBytes <= smallMachineBytes ? (totalBytes * 2) / 3 : (totalBytes * 3) / 4)

/** @param isMac only a Mac has a limit to estimate */
export const planMachine = (
  { totalBytes, gpuLimitBytes }: { readonly totalBytes: number; readonly gpuLimitBytes: number | null },
  isMac: boolean,
): PlanInput['machine'] =>
  gpuLimitBytes === null && isMac
    ? { totalBytes, gpuLimitBytes: estimateGpuLimitBytes(totalBytes), gpuLimitIsEstimate: true }
    : { totalBytes, gpuLimitBytes }
