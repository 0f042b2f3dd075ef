// Why another Studio can't be reached, and what to do. Pure.
import { messageOf } from '../../base/error-message.ts'

/** A name with several addresses fails with all their errors together (Node's happy eyeballs). */
const codesOf = (error: unknown): readonly string[] => {
  if (error instanceof AggregateError) return error.errors.flatMap(codesOf)
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? [error.code] : []
}

/**
 * A core started by launchd gets EHOSTUNREACH for every address on the local network, without a permission prompt
 * (hermes#57812 and #71206 on 27.0, kache#798 on 26.6; Apple TN3179). A machine that is off looks the same, so we name both.
 */
export const localNetworkAdvice = (program: string): string =>
  `if Terminal on this Mac reaches it, macOS is blocking this core from the local network: System Settings, Privacy & Security, Local Network, allow ${program}`

export const explainNodeFailure = (
  endpoint: string,
  error: unknown,
  { platform, program }: { readonly platform: NodeJS.Platform; readonly program: string },
): string => {
  const codes = codesOf(error)
  const said = messageOf(error) || [...new Set(codes)].join(', ')
  const mayBePrivacy = platform === 'darwin' && codes.includes('EHOSTUNREACH')
  return `${endpoint} does not answer: ${said}${mayBePrivacy ? `; ${localNetworkAdvice(program)}` : ''}`
}
