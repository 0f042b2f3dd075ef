// Redacts names and addresses in command output before it goes to a developer. Pure.
import { isIP } from 'node:net'

export interface PrivateWords {
  readonly userNames: readonly string[]
  readonly hostNames: readonly string[]
  readonly homeDir: string
}

/**
 * Within one redactor the same input gets the same replacement, so related lines stay related; replacements keep their format, so
 * parsers still work. When in doubt, redact: a version of four numbers becomes an address.
 */
export type Redact = (text: string) => string

export const createRedactor = ({ userNames, hostNames, homeDir }: PrivateWords): Redact => {
  const rules = [
    ...secrets,
    ...homes(homeDir),
    ...namedValues(createNames()),
    // Mail addresses.
    [/(?<![\w.+-])[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+/g, 'USER@EXAMPLE.COM'] as const,
    ...words(hostNames, 'HOST'),
    ...words(
      userNames.filter((name) => !systemUsers.has(name)),
      'USER',
    ),
  ]
  return (text) => rules.reduce((left, [pattern, put]) => replaceAll(left, pattern, put), text)
}

/** What is replaced by what; a string may name the pattern's groups ($1). Rules apply in order, each to the last one's result. */
type Rule = readonly [pattern: RegExp | string, put: string | ((...match: string[]) => string)]

const replaceAll = (text: string, pattern: RegExp | string, put: Rule[1]): string =>
  typeof put === 'string' ? text.replaceAll(pattern, put) : text.replaceAll(pattern, put)

/** Accounts that every machine has: not private, and parsers look for them. */
const systemUsers: ReadonlySet<string> = new Set(['root', 'nobody', 'daemon', 'wheel', 'staff', 'admin', ''])

type Names = ReturnType<typeof createNames>

/** Numbers private values in order of appearance, per kind. */
const createNames = () => {
  const seen = new Map<string, Map<string, number>>()
  return (kind: string, value: string): number => {
    const own = seen.get(kind) ?? new Map<string, number>()
    seen.set(kind, own)
    const number = own.get(value) ?? own.size + 1
    own.set(value, number)
    return number
  }
}

const escapeRegExp = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')

/** The longest first. Skips one-letter names in the text, which would redact every "a"; `homes` handles them within paths. */
const words = (all: readonly string[], replacement: string): readonly Rule[] => {
  const known = all.filter((word) => word.trim() !== '').toSorted((a, b) => b.length - a.length)
  return [
    // lsof -F writes the user right after its field's letter.
    ...known.map((word): Rule => [new RegExp(`^L${escapeRegExp(word)}$`, 'gm'), `L${replacement}`]),
    ...known
      .filter((word) => word.length > 1)
      .map(
        (word): Rule => [
          // Not within our own names (ai.opta.nexus, Opta Nexus): a user may be called opta.
          new RegExp(`(?<![\\p{L}\\p{N}_])${escapeRegExp(word)}(?![\\p{L}\\p{N}_])(?![-. ]nexus)`, 'giu'),
          replacement,
        ],
      ),
  ]
}

/** Keys of ours and of others, and environment variables with a telling name. */
const secrets: readonly Rule[] = [
  [/\bsk-[A-Za-z0-9_-]{8,}/g, 'sk-REDACTED'],
  [/\b(Bearer\s+)\S+/g, '$1REDACTED'],
  [
    /(\b\w*(?:TOKEN(?!S)|SECRET|PASSWORD|PASSWD|API_?KEY|CREDENTIAL)\w*"?\s*(?:=>|=|:)\s*).+$/gim,
    '$1REDACTED',
  ],
  [/Developer ID (Application|Installer): .*/g, 'Developer ID $1: NAME (TEAM)'],
  [/(TeamIdentifier=)(?!not set).*/g, '$1TEAM'],
]

const systemHomes: ReadonlySet<string> = new Set(['', '/', '/root', '/var/root'])

const homes = (homeDir: string): readonly Rule[] => [
  // Even outside /Users and /home. Root's home is the same everywhere, so keep it.
  ...(systemHomes.has(homeDir)
    ? []
    : [[homeDir, homeDir.startsWith('/Users/') ? '/Users/USER' : '/home/USER'] as const]),
  [/\/(Users|home)\/(?!Shared\b|USER\b)[^/\s"':;,)]+/g, '/$1/USER'],
  // Per-user folders: confstr(3), _CS_DARWIN_USER_TEMP_DIR.
  [/\/var\/folders\/[^/\s]+\/[^/\s]+/g, '/var/folders/xx/xxxx'],
  // File names of the user's own disk images.
  [/^(image-path\s*: )(?!ram:)(.*)$/gm, '$1/Users/USER/IMAGE.dmg'],
]

const ownVolume = /^(?:nexus-selfcheck|OptaBuilds|Macintosh HD|Recovery|Preboot|VM\b|Data\b|Update\b)/

/** Type GUIDs of partitions and volumes are public, and the parser of hdiutil info needs them. */
const typeGuid = /-(?:0000-11AA-AA11-00306543ECAC|F81F-11D2-BA4B-00A0C93EC93B)$/i

const hardwareAddress = /^[0-9a-f]{1,2}(?::[0-9a-f]{1,2}){5}$/i

/** Addresses stay in their private, link-local or shared range (RFC 1918, 3927, 6598), because the choice of the clients' address depends on it. */
const ipv4Ranges: readonly { readonly kind: RegExp; readonly prefix: string }[] = [
  { kind: /^10\./, prefix: '10.0' },
  { kind: /^192\.168\./, prefix: '192.168' },
  { kind: /^172\.(?:1[6-9]|2\d|3[01])\./, prefix: '172.16' },
  { kind: /^169\.254\./, prefix: '169.254' },
  { kind: /^100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7])\./, prefix: '100.64' },
]

const namedValues = (names: Names): readonly Rule[] => [
  [
    /\/Volumes\/([^/\n\t"]+?)(?= \(|\/|[\t"\n]|$)/g,
    (whole = '', name = '') =>
      ownVolume.test(name) || name.startsWith('VOLUME-') ? whole : `/Volumes/VOLUME-${names('volume', name)}`,
  ],
  // smbfs in the mount table: `//ana@server/share on ...`.
  [/\/\/[^@/\s]+@[^/\s]+(?:\/\S*)?/g, '//USER@HOST/SHARE'],
  [
    /((?:serial[ _-]?number|SerialNumber|UDID|board-?id|ECID)[^:=\n]{0,40}[:=]\s*"?)([^"\s]+)/gi,
    (_, key = '', value = '') => `${key}SERIAL${names('serial', value)}`,
  ],
  // kern.uuid and the like look like a UUID and are redacted as UUIDs.
  [/\b[0-9A-F]{8}-[0-9A-F]{16}\b/gi, (value = '') => `SERIAL${names('serial', value)}`],
  [
    /\b[0-9A-F]{8}(?:-[0-9A-F]{4}){3}-[0-9A-F]{12}\b/gi,
    (value = '') =>
      typeGuid.test(value)
        ? value
        : `00000000-0000-0000-0000-${String(names('uuid', value.toLowerCase())).padStart(12, '0')}`,
  ],
  [
    /(?<![0-9a-f:.-])[0-9a-f]{1,2}([:-])(?:[0-9a-f]{1,2}\1){4}(?:[0-9a-f]{1,2}\1){0,2}[0-9a-f]{1,2}(?![0-9a-f:-])/gi,
    (value = '', separator = '') => {
      const number = names('hardware', value.toLowerCase()).toString(16).padStart(2, '0')
      return ['02', '00', '00', '00', '00', number].join(separator)
    },
  ],
  // netstat puts the port after a dot, and truncates long addresses: `2a02:810d:1b40:2.49152`. So three colons are enough; a time
  // of day has two. Loopback, the unspecified address and the link-local prefix stay.
  [
    /(?<![\w:.])[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,8}(?![\w:])/gi,
    (value = '') => {
      const isAddress = isIP(value) === 6 || value.split(':').length > 3
      if (!isAddress || hardwareAddress.test(value) || /^::1?$/.test(value) || value === 'fe80::1')
        return value
      const number = names('ipv6', value.toLowerCase()).toString(16)
      return /^fe80:/i.test(value) ? `fe80::ffff:${number}` : `2001:db8::${number}`
    },
  ],
  [
    /(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?!\d)/g,
    (value = '') => {
      if (isIP(value) !== 4 || /^(?:127\.|0\.|255\.|22[4-9]\.|23\d\.)/.test(value)) return value
      const number = names('ipv4', value)
      const prefix = ipv4Ranges.find(({ kind }) => kind.test(value))?.prefix
      // RFC 5737: documentation addresses.
      return prefix === undefined ? `192.0.2.${number % 256}` : `${prefix}.${number >> 8}.${number & 255}`
    },
  ],
]
