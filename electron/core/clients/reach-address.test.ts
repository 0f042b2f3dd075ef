// Precedence: the project's local settings, the project's, the user's, then the shell's.
import { expect, it } from 'vitest'
import { readClaudeEnvironment } from './reach-address.ts'

const look = (files: Readonly<Record<string, string>>, env: Readonly<Record<string, string>> = {}) =>
  readClaudeEnvironment({
    env,
    projectDir: '/project',
    homeDir: '/home/anna',
    readText: (path) => files[path] ?? null,
  })('ANTHROPIC_BASE_URL')
const saying = (value: unknown): string => JSON.stringify({ env: { ANTHROPIC_BASE_URL: value } })
const local = '/project/.claude/settings.local.json'
const project = '/project/.claude/settings.json'
const user = '/home/anna/.claude/settings.json'
const shell = { ANTHROPIC_BASE_URL: 'http://shell' }

it.each([
  ['the shell', {}, shell, { value: 'http://shell', source: 'the environment' }],
  ['the user’s file', { [user]: saying('http://user') }, shell, { value: 'http://user', source: user }],
  [
    'the project’s',
    { [user]: saying('http://user'), [project]: saying('http://project') },
    shell,
    { value: 'http://project', source: project },
  ],
  [
    'the project’s local one',
    { [project]: saying('http://project'), [local]: saying('http://local') },
    {},
    { value: 'http://local', source: local },
  ],
  [
    'CLAUDE_CONFIG_DIR',
    { [user]: saying('http://user'), '/config/settings.json': saying('http://config') },
    { CLAUDE_CONFIG_DIR: '/config' },
    { value: 'http://config', source: '/config/settings.json' },
  ],
])('is what %s says', (_, files, env, found) => expect(look(files, env)).toEqual(found))

it('reads a file with a byte order mark, as PowerShell 5 writes it', () =>
  expect(look({ [user]: `\uFEFF${saying('http://user')}` }, {})?.value).toBe('http://user'))

it.each([
  ['broken', '{'],
  ['about something else', '{"permissions":{}}'],
  ['of another kind', saying(4)],
])('is the shell’s where a file is %s', (_, text) =>
  expect(look({ [user]: text }, shell)?.source).toBe('the environment'),
)

it('is null when not set', () => expect(look({}, { ANTHROPIC_BASE_URL: '' })).toBeNull())
