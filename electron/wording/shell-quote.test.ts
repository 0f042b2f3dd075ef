// A command line that is pasted runs what it says, also from the state folder of macOS, which has a blank in its name.
import { expect, test } from 'vitest'
import { quoteArgv } from './shell-quote.ts'

test.each([
  [['/opt/llama-server', '--port', '8080'], '/opt/llama-server --port 8080'],
  [['traefik', '--configFile=/A/Opta Nexus/t.yml'], "traefik '--configFile=/A/Opta Nexus/t.yml'"],
  [['-p', "it's", ''], "-p 'it'\\''s' ''"],
])('%j', (argv, line) => {
  expect(quoteArgv(argv)).toBe(line)
})
