// Chooses the llama-server build that this x86-64 Linux processor can run.

export interface LlamaServerBuild {
  readonly version: string
  readonly requirementsFile: string
}

export const llamaServerBuilds = {
  avx512: { version: '0.10434.0', requirementsFile: 'requirements-llama-server-avx512.txt' },
  avx2: { version: '0.10068.0', requirementsFile: 'requirements-llama-server-avx2.txt' },
} as const satisfies Record<string, LlamaServerBuild>

/**
 * Features that the newer wheel uses without checking the processor.
 *
 * Measured: 0.10434.0 (and 0.10092.0) start everywhere but die of SIGILL at the first token on an AMD Zen 4, in a VEX vpdpbusd
 * (avx_vnni). Their libggml-cpu.so also holds AVX-512, VNNI, BF16 and AMX code. AMX is checked at run time ("AMX is not ready
 * to be used!"), but requiring it too limits this build to the processors that it was compiled for (Sapphire Rapids and later);
 * all others get the older build, whose libraries contain no AVX-512 instructions.
 */
const avx512Flags = [
  'avx512f',
  'avx512bw',
  'avx512cd',
  'avx512dq',
  'avx512vl',
  'avx512vbmi',
  'avx512_vnni',
  'avx512_bf16',
  'avx_vnni',
  'amx_tile',
  'amx_int8',
]
const avx2Flags = ['avx2', 'fma', 'f16c', 'bmi2']

export type BuildChoice =
  | { readonly kind: 'build'; readonly build: LlamaServerBuild }
  | { readonly kind: 'none'; readonly reason: string }

/** @param cpuInfo text of /proc/cpuinfo. Chooses a build that all of the machine's processors can run. */
export const chooseLlamaServerBuild = (cpuInfo: string): BuildChoice => {
  const processors = [...cpuInfo.matchAll(/^flags\s*:(.*)$/gm)].map(
    (match) => new Set(match[1]?.trim().split(/\s+/)),
  )
  const missing = (flags: readonly string[]) =>
    flags.filter((flag) => !processors.every((have) => have.has(flag)))
  if (processors.length === 0)
    return { kind: 'none', reason: '/proc/cpuinfo does not list the features of this processor' }
  if (missing(avx512Flags).length === 0) return { kind: 'build', build: llamaServerBuilds.avx512 }
  const missingForAvx2 = missing(avx2Flags)
  if (missingForAvx2.length === 0) return { kind: 'build', build: llamaServerBuilds.avx2 }
  return {
    kind: 'none',
    reason: `this processor lacks ${missingForAvx2.join(', ')}, which the prebuilt llama-server needs`,
  }
}
