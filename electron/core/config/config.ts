// Reads, checks, explains and atomically writes the JSON config file. A broken file never replaces the last good one.

import { z } from 'zod'
import { type Config, ConfigSchema } from '../../contract/config.ts'
import {
  type Profile,
  type ProfileOverride,
  type WrittenProfile,
  WrittenProfileSchema,
} from '../../contract/profile.ts'
import { showControls } from '../../wording/visible-text.ts'
import { parseBoundedJson } from '../base/bounded-json.ts'
import { withoutByteOrderMark } from '../base/byte-order-mark.ts'
import { messageOf } from '../base/error-message.ts'
import { followLink, readFileOrNull, writePrivateFile } from '../base/private-file.ts'
import { readGatewayAddress } from './gateway-address.ts'
import { maskedKey } from './masked-config.ts'

/** A mistake in the user's file. `problems` name the place, what was found and what is allowed. */
export class ConfigError extends Error {
  readonly problems: readonly string[]
  constructor(source: string, problems: readonly string[]) {
    const shown = problems.map(showControls)
    super(`${showControls(source)} is not valid:\n${shown.map((problem) => `  ${problem}`).join('\n')}`)
    this.name = 'ConfigError'
    this.problems = shown
  }
}

export const defaultConfig: Config = ConfigSchema.parse({})

/** Parses the text of a config file. Throws ConfigError, naming `source`. */
export const parseConfig = (text: string, source: string): Config =>
  parseValue(ConfigSchema, parseJson(text, source), source)

/** Throws ConfigError, naming `source`. */
export const parseValue = <T>(schema: z.ZodType<T>, value: unknown, source: string): T => {
  const result = schema.safeParse(value)
  if (!result.success) throw new ConfigError(source, explainIssues(schema, result.error, value))
  return result.data
}

export const parseJson = (text: string, source: string): unknown => {
  try {
    return parseBoundedJson(withoutByteOrderMark(text))
  } catch (error) {
    const message = messageOf(error)
    throw new ConfigError(source, [
      error instanceof SyntaxError ? `not JSON: ${explainSyntax(message, text)}` : message,
    ])
  }
}

/** V8 quotes the text around the mistake (`..."ientKey": sk-opta-ab"... is not valid JSON`), which could show a key. */
const explainSyntax = (message: string, text: string): string =>
  /key["']?\s*:/i.test(text) ? message.replace(/, (?:\.{3})?".*"(?:\.{3})? is not valid JSON$/s, '') : message

/** Reads the config and saves a copy of a good one. Without a file, returns the default. Throws ConfigError. */
export const readConfig = (path: string, lastGoodPath: string): Config => {
  const text = readFileOrNull(path)
  if (text === null) return defaultConfig
  const config = parseConfig(text, path)
  if (readFileOrNull(lastGoodPath) !== text) writePrivateFile(lastGoodPath, text)
  return config
}

/** Checks, then replaces the file atomically; follows links, as made by dotfile managers. */
export const writeConfig = (path: string, config: Config): void => {
  writePrivateFile(
    followLink(path),
    `${JSON.stringify(parseConfig(JSON.stringify(config), path), null, 2)}\n`,
  )
}

/** Applies a user's profile to the one it extends, and checks the result. Throws ConfigError. */
export const applyOverride = (
  base: WrittenProfile,
  override: ProfileOverride,
  source: string,
): WrittenProfile => {
  const nodes = override.nodes ?? base.nodes
  const gateway = layGateway(base.gateway, override.gateway)
  return parseValue(
    WrittenProfileSchema,
    {
      llamaServer: { ...base.llamaServer, ...override.llamaServer },
      proxy: { ...base.proxy, ...override.proxy },
      ramDisk: { ...base.ramDisk, ...override.ramDisk },
      ...(gateway === undefined ? {} : { gateway }),
      ...(nodes === undefined ? {} : { nodes }),
    },
    source,
  )
}

/** null removes the base profile's gateway. */
const layGateway = (
  base: WrittenProfile['gateway'],
  override: ProfileOverride['gateway'],
): ProfileOverride['gateway'] => {
  if (override === undefined) return base
  return override === null ? null : { ...base, ...override }
}

/**
 * Problems between values: two services on one port, a RAM disk larger than memory, a slot without context.
 * @param metricsPort the config's; null or absent: none
 * @returns one sentence per problem; empty when the profile can be started
 */
export const judgeProfile = (
  profile: Profile,
  totalMemoryBytes: number,
  metricsPort: Config['metricsPort'] = null,
): readonly string[] => {
  const { llamaServer, proxy, ramDisk } = profile
  const problems: string[] = []
  if (llamaServer.port === proxy.port) {
    problems.push(
      `proxy.port: found ${proxy.port}, which is also llamaServer.port; allowed: a port that no other service uses`,
    )
  }
  problems.push(...judgeGateway(profile, metricsPort))
  const ramDiskBytes = ramDisk.sizeMiB * 1_048_576
  if (ramDiskBytes >= totalMemoryBytes) {
    problems.push(
      `ramDisk.sizeMiB: found ${ramDisk.sizeMiB}; allowed: less than this machine's memory, ${Math.floor(totalMemoryBytes / 1_048_576)} MiB`,
    )
  }
  const perSlot = Math.floor(llamaServer.contextTokens / llamaServer.slots)
  if (!llamaServer.unifiedKv && perSlot < 256) {
    problems.push(
      `llamaServer.contextTokens: found ${llamaServer.contextTokens}, ${perSlot} for each of ${llamaServer.slots} slots; allowed: at least 256 each`,
    )
  }
  if (llamaServer.speculation === 'draft-simple' && llamaServer.draftModelPath === null) {
    problems.push(
      'llamaServer.speculation: found draft-simple without llamaServer.draftModelPath; allowed: a draft model, or ngram-mod, or none',
    )
  }
  problems.push(...judgeNodes(profile))
  if (llamaServer.microBatchTokens > llamaServer.batchTokens) {
    problems.push(
      `llamaServer.microBatchTokens: found ${llamaServer.microBatchTokens}; allowed: at most batchTokens, ${llamaServer.batchTokens}`,
    )
  }
  return problems
}

const judgeGateway = (
  { gateway, llamaServer, proxy }: Profile,
  metricsPort: Config['metricsPort'],
): readonly string[] => {
  if (gateway === undefined || gateway === null) return []
  const { port } = readGatewayAddress(gateway.listen)
  const taken = [
    { place: 'llamaServer.port', port: llamaServer.port },
    { place: 'proxy.port', port: proxy.port },
    { place: 'metricsPort', port: metricsPort },
  ].find((other) => other.port === port)
  return taken === undefined
    ? []
    : [
        `gateway.listen: found ${gateway.listen}, whose port is also ${taken.place}; allowed: a port that no other service uses`,
      ]
}

const judgeNodes = ({ nodes = [], llamaServer }: Profile): readonly string[] => {
  const names = nodes.map(({ name }) => name)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  return [
    ...(twice === undefined ? [] : [`nodes: found ${twice} twice; allowed: a unique name for each Studio`]),
    // A request reserves tokens in one machine's pool, but LiteLLM picks the machine.
    ...(nodes.length > 0 && llamaServer.unifiedKv
      ? [
          'llamaServer.unifiedKv: found true together with nodes; allowed: false (a separate share for each slot) or auto',
        ]
      : []),
  ]
}

/** One line per issue: the key's path, what was found, what is allowed. */
const explainIssues = (schema: z.ZodType, error: z.ZodError, input: unknown): string[] =>
  error.issues.flatMap((issue) => {
    const place = issue.path.length === 0 ? 'the whole file' : issue.path.join('.')
    if (issue.code === 'unrecognized_keys') {
      const allowed = keysAt(schema, issue.path).join(', ')
      return issue.keys.map(
        (key) => `${[...issue.path, key].join('.')}: found an unknown key; allowed: ${allowed}`,
      )
    }
    return [`${place}: found ${describeFound(input, issue.path)}; allowed: ${describeAllowed(issue)}`]
  })

/** The keys of the object at this place, in the order of the schema. */
const keysAt = (schema: z.ZodType, path: readonly PropertyKey[]): readonly string[] => {
  let place: unknown = z.toJSONSchema(schema, { io: 'input' })
  for (const key of path) {
    const { properties, additionalProperties, items } = objectOf(place)
    place = (isRecord(properties) ? properties[String(key)] : undefined) ?? additionalProperties ?? items
  }
  return Object.keys(objectOf(objectOf(place)['properties']))
}

/** A section that may also be null is an `anyOf` of it and null. */
const objectOf = (place: unknown): Record<string, unknown> => {
  if (!isRecord(place)) return {}
  const choices = place['anyOf']
  return Array.isArray(choices)
    ? objectOf(choices.find((choice) => isRecord(choice) && choice['type'] !== 'null'))
    : place
}

/** A key is a secret even when invalid: guests may read these messages too. */
const isSecret = (name: PropertyKey | undefined): boolean => typeof name === 'string' && name.endsWith('Key')

const describeFound = (input: unknown, path: readonly PropertyKey[]): string => {
  let value: unknown = input
  for (const key of path) {
    value = isRecord(value) ? value[String(key)] : undefined
  }
  if (value === undefined) return 'nothing'
  const hide = (name: string, inner: unknown) => (isSecret(name) && inner !== null ? maskedKey : inner)
  const text = JSON.stringify(isSecret(path.at(-1)) ? maskedKey : value, hide)
  return text.length > 60 ? `${text.slice(0, 57)}...` : text
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null

const describeAllowed = (issue: z.core.$ZodIssue): string => {
  if (issue.code === 'invalid_value') return issue.values.map((value) => JSON.stringify(value)).join(', ')
  const isZods = issue.code === 'invalid_type' && issue.message.startsWith('Invalid')
  return isZods ? `a ${issue.expected}` : issue.message
}
