// The table of models: whole at 80 columns, more at a wide terminal, sources and unknowns in words.

import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { builtinProfiles } from '../../core/config/profiles.ts'
import { headerOf, readCatalogue, whyNoHeader } from '../../core/models/catalogue.ts'
import { judgeModel, orderModels } from '../../core/models/judge-models.ts'
import { renderModels } from './models-view.ts'

const catalogue = readCatalogue(join(import.meta.dirname, '..', '..', '..', 'resources'))
const { studio } = builtinProfiles('/runtime')
if (studio === undefined) throw new Error('no studio')
const render = (gibibytes: number, width: number, here: string | null = null, color = false) => {
  const machine = { totalBytes: gibibytes * 1024 ** 3, gpuLimitBytes: null, isMac: true }
  const models = orderModels(
    catalogue.map((model) => {
      const path = model.id === here ? `/m/${model.id}.gguf` : null
      const files = { model, path, header: headerOf(model), whyNoHeader: whyNoHeader(model) }
      return judgeModel(files, null, studio, { agents: 4, machine })
    }),
  )
  return renderModels({ models, agents: 4, machine, where: null }, { width, color })
}

describe('renderModels', () => {
  it.each([80, 100, 120, 200])('has no line wider than %i columns but addresses', (width) => {
    for (const line of [...render(256, width), ...render(64, width)])
      if (!line.includes('https://')) expect(line.length, line).toBeLessThanOrEqual(width)
  })

  it('shows what an owner decides by, with the source of each speed', () => {
    const text = render(256, 80)
    expect(text[0]).toBe('Models for 4 agents on a Mac with 256 GiB.')
    expect(text[3]).toMatch(/^qwen3-coder-next +46\.2 GiB +yes +256k +16 s +46\.4 \[1\] +no$/)
    expect(text.join(' ').replaceAll(/\s+/g, ' ')).toContain(
      '[1] M2 Ultra, llama.cpp, pull request 19375, Q4_K_M, 2026-02, a prompt of 2,048: https://github.com/ggml-org/llama.cpp/pull/19375',
    )
    const unknown = text.find((line) => line.startsWith('gemma-4-26b-a4b'))
    expect(unknown).toMatch(/not known +not known/)
  })

  it("names in numbers what the studio's model lacks and what would serve better", () => {
    expect(render(256, 80).join(' ').replaceAll(/\s+/g, ' ')).toContain(
      'it reads 20,000 tokens in 3 min 4 s. Qwen3-Coder-Next calls tools and reads them in 16 s.',
    )
  })

  it('names the next command for a present and for a missing model', () => {
    expect(render(256, 200).join('\n')).toContain('To get it: nexus model fetch qwen3-coder-next')
    expect(render(256, 200, 'qwen3-coder-next').join('\n')).toContain(
      'To run it: nexus up --model qwen3-coder-next.',
    )
  })

  it('explains where the demo model comes from until it is here', () => {
    const words = 'smollm2-135m comes with set-up: nexus up --profile demo.'
    expect(render(256, 200).join('\n')).toContain(words)
    const here = render(256, 200, 'smollm2-135m').join('\n')
    expect(here).not.toContain(words)
    expect(here).toMatch(/smollm2-135m .* yes +no +no +yes +Q4_1/)
  })

  it('shows unpublished values as unknown', () => {
    const row = render(256, 200).find((line) => line.startsWith('deepseek-v4-flash'))
    expect(row).toMatch(/ no +\? +yes +\? +MXFP4/)
  })

  it('lists once what does not fit, and shows more columns on a wide terminal', () => {
    const small = render(64, 200).join('\n')
    expect(small.match(/These do not fit/g)).toHaveLength(1)
    expect(small).toMatch(/TOOLS +THINKS +PARKS/)
    expect(render(64, 80).join('\n')).not.toContain('THINKS')
  })

  it('is coloured only when asked to', () => {
    expect(render(256, 80).join('')).not.toContain('\u001b')
    expect(render(256, 80, null, true).join('')).toContain('\u001b[32m   yes')
  })
})
