// What `nexus help` prints.
import { commandGroups } from './arguments.ts'
import { wrap } from './view/text-line.ts'

const indent = '      '

/** @param width columns of the terminal */
export const renderHelp = (width: number): readonly string[] => {
  const paragraph = (text: string, before: string): readonly string[] =>
    wrap(text, Math.max(40, Math.min(width, 120) - before.length), text.length).map((line) => before + line)
  return [
    ...paragraph(
      "Opta Nexus runs a local AI and build stack: the Build Forge (RAM disk), the AI Engine (llama-server) and the Router (LiteLLM, which serves Anthropic's API).",
      '',
    ),
    ...commandGroups.flatMap(({ title, commands }) => [
      '',
      title,
      ...commands.flatMap(({ usage, help }) => [
        `  ${usage}`,
        ...help.flatMap((text) => paragraph(text, indent)),
      ]),
    ]),
    '',
    'Services: ramDisk (Build Forge), llamaServer (AI Engine), proxy (Router)',
    'Exit codes: 0 done, 1 failed, 2 usage, 3 not running',
  ]
}
