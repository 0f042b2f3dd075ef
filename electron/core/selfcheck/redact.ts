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
  const names = createNames()
  const steps: readonly Redact[] = [
    takeOutSecrets,
    (text) => takeOutHome(text, homeDir),
    takeOutHomes,
    takeOutImages,
    (text) => takeOutVolumes(text, names),
    takeOutShares,
    (text) => takeOutSerials(text, names),
    (text) => takeOutUuids(text, names),
    (text) => takeOutHardwareAddresses(text, names),
    (text) => takeOutIPv6(text, names),
    (text) => takeOutIPv4(text, names),
    takeOutMail,
    (text) => takeOutWords(text, longestFirst(hostNames), 'HOST'),
    (text) => takeOutWords(text, longestFirst(userNames.filter((name) => !systemUsers.has(name))), 'USER'),
  ]
  return (text) => steps.reduce((left, step) => step(left), text)
}

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

const longestFirst = (words: readonly string[]): readonly string[] =>
  words.filter((word) => word.trim() !== '').toSorted((a, b) => b.length - a.length)

const escapeRegExp = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')

/** Skips one-letter names, which would redact every "a"; takeOutHomes handles them within paths. */
const takeOutWords = (text: string, words: readonly string[], replacement: string): string =>
  words
    .filter((word) => word.length > 1)
    .reduce(
      (left, word) =>
        left.replaceAll(
          // Not within our own names (ai.opta.nexus, Opta Nexus): a user may be called opta.
          new RegExp(`(?<![\\p{L}\\p{N}_])${escapeRegExp(word)}(?![\\p{L}\\p{N}_])(?![-. ]nexus)`, 'giu'),
          replacement,
        ),
      // lsof -F writes the user right after its field's letter.
      words.reduce(
        (left, word) => left.replaceAll(new RegExp(`^L${escapeRegExp(word)}$`, 'gm'), `L${replacement}`),
        text,
      ),
    )

/** Keys of ours and of others, and environment variables with a telling name. */
const takeOutSecrets: Redact = (text) =>
  text
    .replaceAll(/\bsk-[A-Za-z0-9_-]{8,}/g, 'sk-REDACTED')
    .replaceAll(/\b(Bearer\s+)\S+/g, '$1REDACTED')
    .replaceAll(
      /(\b\w*(?:TOKEN(?!S)|SECRET|PASSWORD|PASSWD|API_?KEY|CREDENTIAL)\w*"?\s*(?:=>|=|:)\s*).+$/gim,
      '$1REDACTED',
    )
    .replaceAll(/Developer ID (Application|Installer): .*/g, 'Developer ID $1: NAME (TEAM)')
    .replaceAll(/(TeamIdentifier=)(?!not set).*/g, '$1TEAM')

/** Even outside /Users and /home. Root's home is the same everywhere, so keep it. */
const takeOutHome = (text: string, homeDir: string): string =>
  systemHomes.has(homeDir)
    ? text
    : text.replaceAll(homeDir, homeDir.startsWith('/Users/') ? '/Users/USER' : '/home/USER')

const systemHomes: ReadonlySet<string> = new Set(['', '/', '/root', '/var/root'])

const takeOutHomes: Redact = (text) =>
  text
    .replaceAll(/\/(Users|home)\/(?!Shared\b|USER\b)[^/\s"':;,)]+/g, '/$1/USER')
    // Per-user folders: confstr(3), _CS_DARWIN_USER_TEMP_DIR.
    .replaceAll(/\/var\/folders\/[^/\s]+\/[^/\s]+/g, '/var/folders/xx/xxxx')

/** File names of the user's own disk images. */
const takeOutImages: Redact = (text) =>
  text.replaceAll(/^(image-path\s*: )(?!ram:)(.*)$/gm, '$1/Users/USER/IMAGE.dmg')

const ownVolume = /^(?:nexus-selfcheck|BuildForge|Macintosh HD|Recovery|Preboot|VM\b|Data\b|Update\b)/

const takeOutVolumes = (text: string, names: Names): string =>
  text.replaceAll(/\/Volumes\/([^/\n\t"]+?)(?= \(|\/|[\t"\n]|$)/g, (whole: string, name: string) =>
    ownVolume.test(name) || name.startsWith('VOLUME-') ? whole : `/Volumes/VOLUME-${names('volume', name)}`,
  )

/** smbfs in the mount table: `//ana@server/share on ...`. */
const takeOutShares: Redact = (text) =>
  text.replaceAll(/\/\/[^@/\s]+@[^/\s]+(?:\/\S*)?/g, '//USER@HOST/SHARE')

const takeOutSerials = (text: string, names: Names): string =>
  text
    .replaceAll(
      /((?:serial[ _-]?number|SerialNumber|UDID|board-?id|ECID)[^:=\n]{0,40}[:=]\s*"?)([^"\s]+)/gi,
      (_, key: string, value: string) => `${key}SERIAL${names('serial', value)}`,
    )
    // kern.uuid and the like look like a UUID and are redacted as UUIDs.
    .replaceAll(/\b[0-9A-F]{8}-[0-9A-F]{16}\b/gi, (value: string) => `SERIAL${names('serial', value)}`)

/** Type GUIDs of partitions and volumes are public, and the parser of hdiutil info needs them. */
const typeGuid = /-(?:0000-11AA-AA11-00306543ECAC|F81F-11D2-BA4B-00A0C93EC93B)$/i

const takeOutUuids = (text: string, names: Names): string =>
  text.replaceAll(/\b[0-9A-F]{8}(?:-[0-9A-F]{4}){3}-[0-9A-F]{12}\b/gi, (value: string) =>
    typeGuid.test(value)
      ? value
      : `00000000-0000-0000-0000-${String(names('uuid', value.toLowerCase())).padStart(12, '0')}`,
  )

const takeOutHardwareAddresses = (text: string, names: Names): string =>
  text.replaceAll(
    /(?<![0-9a-f:.-])[0-9a-f]{1,2}([:-])(?:[0-9a-f]{1,2}\1){4}(?:[0-9a-f]{1,2}\1){0,2}[0-9a-f]{1,2}(?![0-9a-f:-])/gi,
    (value: string, separator: string) =>
      [
        '02',
        '00',
        '00',
        '00',
        '00',
        names('hardware', value.toLowerCase()).toString(16).padStart(2, '0'),
      ].join(separator),
  )

const hardwareAddress = /^[0-9a-f]{1,2}(?::[0-9a-f]{1,2}){5}$/i

/**
 * netstat puts the port after a dot, and truncates long addresses: `2a02:810d:1b40:2.49152`. So three colons are enough; a time
 * of day has two. Loopback, the unspecified address and the link-local prefix stay.
 */
const takeOutIPv6 = (text: string, names: Names): string =>
  text.replaceAll(/(?<![\w:.])[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,8}(?![\w:])/gi, (value: string) => {
    const isAddress = isIP(value) === 6 || value.split(':').length > 3
    if (!isAddress || hardwareAddress.test(value) || /^::1?$/.test(value) || value === 'fe80::1') return value
    const number = names('ipv6', value.toLowerCase()).toString(16)
    return /^fe80:/i.test(value) ? `fe80::ffff:${number}` : `2001:db8::${number}`
  })

/** Addresses stay in their private, link-local or shared range (RFC 1918, 3927, 6598), because the choice of the clients' address depends on it. */
const ipv4Ranges: readonly { readonly kind: RegExp; readonly prefix: string }[] = [
  { kind: /^10\./, prefix: '10.0' },
  { kind: /^192\.168\./, prefix: '192.168' },
  { kind: /^172\.(?:1[6-9]|2\d|3[01])\./, prefix: '172.16' },
  { kind: /^169\.254\./, prefix: '169.254' },
  { kind: /^100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7])\./, prefix: '100.64' },
]

const takeOutIPv4 = (text: string, names: Names): string =>
  text.replaceAll(/(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?!\d)/g, (value: string) => {
    if (isIP(value) !== 4 || /^(?:127\.|0\.|255\.|22[4-9]\.|23\d\.)/.test(value)) return value
    const number = names('ipv4', value)
    const prefix = ipv4Ranges.find(({ kind }) => kind.test(value))?.prefix
    // RFC 5737: documentation addresses.
    return prefix === undefined ? `192.0.2.${number % 256}` : `${prefix}.${number >> 8}.${number & 255}`
  })

const takeOutMail: Redact = (text) =>
  text.replaceAll(/(?<![\w.+-])[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+/g, 'USER@EXAMPLE.COM')
