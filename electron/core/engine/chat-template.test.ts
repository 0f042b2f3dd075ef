// When our chat template replaces the model's own: only where that drops tools, and only for the family it was made for.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { builtinProfiles } from '../config/profiles.ts'
import type { MetadataValue } from '../gguf/metadata.ts'
import { makeGguf } from '../gguf/test-support/made-gguf.ts'
import { chooseChatTemplate, mentionsTools, readChatTemplateChoice } from './chat-template.ts'

/** After the shape of DeepSeek's own: earlier calls are rendered, the tools there are never, one system message kept. */
const r1Like = `{%- for message in messages %}{%- if message['role'] == 'system' %}{%- set ns.system_prompt = message['content'] %}
{%- endif %}{%- endfor %}{{ bos_token }}{{ ns.system_prompt }}{%- if message['role'] == 'user' %}{{ '<｜User｜>' + message['content'] }}
{%- for tool in message['tool_calls'] %}{{ '<｜Assistant｜><｜tool▁calls▁begin｜>tools' + tool['type'] }}{%- endfor %}`
const withTools = `{%- if tools %}{{ tools | tojson }}{%- endif %}<｜User｜><｜Assistant｜>`

const r1Name = 'DeepSeek R1 Distill Llama 70B'
const header = (name: string | null, template: MetadataValue | undefined, architecture = 'llama') => ({
  architecture,
  name,
  metadata: new Map<string, MetadataValue>(
    template === undefined ? [] : [['tokenizer.chat_template', template]],
  ),
})
const choose = (
  model: ReturnType<typeof header> | null,
  profile: { chatTemplate?: string; pinnedFlags?: string[] } = {},
) => chooseChatTemplate({ header: model, resourcesDir: '/r', profile: { pinnedFlags: [], ...profile } })

const ours = { kind: 'file', path: '/r/templates/r1-distill-llama.jinja' }

describe('chooseChatTemplate', () => {
  it('takes ours for R1-Distill-Llama, whose own drops tools, and says why', () => {
    expect(choose(header(r1Name, r1Like))).toMatchObject({
      ...ours,
      reason: expect.stringMatching(/^The model's own chat template never mentions the tools, so an agent/),
    })
  })

  it.each([
    ['DeepSeek-R1-Distill-Llama-8B', undefined],
    // A renamed fine-tune.
    ['Skywork Thing', r1Like],
    [null, r1Like],
  ])('takes ours for %s', (name, template) => {
    expect(choose(header(name, template))).toMatchObject(ours)
  })

  it.each([
    ['that renders tools', header(r1Name, withTools), false],
    ['of another family', header('Some Llama', "{{ messages[0]['content'] }}"), true],
    ['of the Qwen distill, which has other tokens', header('R1 Distill Qwen', r1Like, 'qwen2'), true],
    ['that is missing', header('gemma 3 270m', undefined, 'gemma3'), true],
    ['too long to be read', header(r1Name, null), null],
  ])('changes nothing for a model %s', (_, model, toolless) => {
    expect(choose(model)).toMatchObject({ kind: 'own', toolless })
  })

  it('changes nothing for a model with a second template for tools', () => {
    const model = header(r1Name, r1Like)
    model.metadata.set('tokenizer.chat_template.tool_use', withTools)
    expect(choose(model)).toMatchObject({ kind: 'own', toolless: false })
  })

  it('takes ours for SmolLM2, whose own invents a system message, and says that neither renders tools', () => {
    // The start of SmolLM2-135M-Instruct's own template.
    const own = `{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n' }}{% endif %}`
    const model = header('Smollm2 135M 8k Lc100K Mix1 Ep2', own)
    expect(choose(model)).toMatchObject({
      kind: 'file',
      path: '/r/templates/smollm2-instruct.jinja',
      toolless: true,
    })
    expect(choose(model, { chatTemplate: 'model' })).toMatchObject({ kind: 'own', toolless: true })
  })

  it('does what the profile says', () => {
    const model = header(r1Name, r1Like)
    expect(choose(model, { chatTemplate: 'model' })).toMatchObject({ kind: 'own', toolless: true })
    expect(choose(model, { chatTemplate: '/mine.jinja' })).toMatchObject({
      kind: 'file',
      path: '/mine.jinja',
    })
    expect(choose(model, { chatTemplate: 'auto' })).toMatchObject(ours)
    expect(choose(model, { pinnedFlags: ['--chat-template', 'llama3'] })).toMatchObject({
      kind: 'own',
      toolless: null,
    })
    expect(choose(null)).toMatchObject({ kind: 'own', toolless: null })
  })
})

describe('mentionsTools', () => {
  it.each([
    ['{% if tools %}', true],
    ['{%- for tool in tools -%}', true],
    ['{{- tools | tojson -}}', true],
    ['{% if not tools is defined %}', true],
    ["{{ 'your tools: ' }}", false],
    ['{{ "a \\" tools" }}', false],
    ['{# tools #}', false],
    ['plain text about tools', false],
    ["{% for t in message['tool_calls'] %}", false],
    ['{{ message.tools }}', false],
  ])('%s: %s', (template, expected) => {
    expect(mentionsTools(template)).toBe(expected)
  })
})

describe('readChatTemplateChoice', () => {
  let dir = ''
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'nexus-template-'))
  })
  afterEach(() => rmSync(dir, { recursive: true, force: true }))

  const profile = (modelPath: string, chatTemplate?: string) => {
    const { demo } = builtinProfiles(dir)
    if (demo === undefined) throw new Error('there is no demo profile')
    return { ...demo.llamaServer, modelPath, ...(chatTemplate === undefined ? {} : { chatTemplate }) }
  }
  const resourcesDir = join(import.meta.dirname, '..', '..', '..', 'resources')

  it("reads the model's header and finds our file", async () => {
    const path = join(dir, 'm.gguf')
    const pairs = [
      ['general.architecture', { type: 'text', value: 'llama' }],
      ['general.name', { type: 'text', value: r1Name }],
      ['tokenizer.chat_template', { type: 'text', value: r1Like }],
    ] as const
    writeFileSync(path, makeGguf({ pairs }))
    expect(await readChatTemplateChoice(profile(path), resourcesDir)).toMatchObject({
      kind: 'file',
      path: join(resourcesDir, 'templates', 'r1-distill-llama.jinja'),
    })
  })

  it('names a missing template before llama-server does', async () => {
    await expect(readChatTemplateChoice(profile('/no.gguf', '/no.jinja'), resourcesDir)).rejects.toThrow(
      'llamaServer.chatTemplate: /no.jinja is missing',
    )
  })
})
