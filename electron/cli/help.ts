// What `nexus help` prints.
import { commandGroups } from './arguments.ts'
import { wrap } from './view/text-line.ts'

const indent = '      '

/** @param about the only command to explain; null: all. @param width columns of the terminal */
export const renderHelp = (about: string | null, width: number): readonly string[] => {
  const paragraph = (text: string, before: string): readonly string[] =>
    wrap(text, Math.max(40, Math.min(width, 120) - before.length), text.length).map((line) => before + line)
  const explain = ({ usage, help }: { readonly usage: string; readonly help: readonly string[] }) => [
    `  ${usage}`,
    ...help.flatMap((text) => paragraph(text, indent)),
  ]
  const groups = commandGroups.flatMap(({ title, commands }) => {
    const shown = commands.filter(({ name }) => about === null || name === about)
    return shown.length === 0 ? [] : ['', title, ...shown.flatMap(explain)]
  })
  if (about !== null) return [...groups.slice(2), '', 'nexus help lists all commands.']
  return [
    ...paragraph(
      "Opta Nexus runs a local AI and build stack: the Build Forge (RAM disk), the AI Engine (llama-server) and the Router (LiteLLM, which serves Anthropic's API).",
      '',
    ),
    ...groups,
    '',
    'Services: ramDisk (Build Forge), llamaServer (AI Engine), proxy (Router)',
    'Exit codes: 0 done, 1 failed, 2 usage, 3 not running',
  ]
}
