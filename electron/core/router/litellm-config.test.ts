import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { localUrl } from '../base/local-url.ts'
import { builtinProfiles } from '../config/profiles.ts'
import { buildLiteLlmConfig, renderLiteLlmConfig } from './litellm-config.ts'

const studio = builtinProfiles('/runtime')['studio']
if (studio === undefined) throw new Error('there is no studio profile')

describe('LiteLLM config', () => {
  it('serves the name for clients and every other from one llama-server', () => {
    const { model_list: models } = buildLiteLlmConfig(studio)
    expect(models.map((model) => model.model_name)).toEqual([
      'claude-3-5-sonnet-20241022',
      'opta-claude-3-r1',
      '*',
    ])
    for (const { litellm_params: parameters } of models) {
      expect(parameters).toEqual({
        model: 'openai/deepseek-r1-distill-llama-70b',
        api_base: 'http://127.0.0.1:8080/v1',
        api_key: 'os.environ/OPTA_ENGINE_KEY',
        max_retries: 0,
        stop: ['<|EOT|>', '<|end_of_sentence|>'],
      })
    }
  })

  it('lists each name for clients once, with the context of one agent', () => {
    const limits = { token_count_framing: 0, max_input_tokens: 318_976, max_output_tokens: 19_936 }
    const none = { token_count_framing: 0 }
    const infosOf = (modelName: string) =>
      buildLiteLlmConfig({ ...studio, proxy: { ...studio.proxy, modelName } }).model_list.map(
        ({ model_name, model_info }) => [model_name, model_info],
      )
    expect(infosOf('claude-3-5-sonnet-20241022')).toEqual([
      ['claude-3-5-sonnet-20241022', limits],
      ['opta-claude-3-r1', limits],
      ['*', none],
    ])
    expect(infosOf('my-model')).toEqual([
      ['my-model', limits],
      ['*', none],
    ])
  })

  it('balances over several Studios; alone, nothing changes', () => {
    const nodes = [{ name: 'b', host: '10.0.0.2', port: 8080, slots: 4, keyFile: null }]
    const config = buildLiteLlmConfig({ ...studio, nodes })
    const deployments = config.model_list.map(
      ({ model_name: name, litellm_params: { api_base, api_key }, model_info }) => [
        name,
        api_base,
        api_key,
        model_info.id,
      ],
    )
    const name = 'claude-3-5-sonnet-20241022'
    expect(deployments).toEqual([
      [name, 'http://127.0.0.1:8080/v1', 'os.environ/OPTA_ENGINE_KEY', `#${name}`],
      [name, 'http://10.0.0.2:8080/v1', 'os.environ/OPTA_NODE_KEY_1', `b#${name}`],
      ['opta-claude-3-r1', 'http://127.0.0.1:8080/v1', 'os.environ/OPTA_ENGINE_KEY', '#opta-claude-3-r1'],
      ['opta-claude-3-r1', 'http://10.0.0.2:8080/v1', 'os.environ/OPTA_NODE_KEY_1', 'b#opta-claude-3-r1'],
      ['*', 'http://127.0.0.1:8080/v1', 'os.environ/OPTA_ENGINE_KEY', '#*'],
      ['*', 'http://10.0.0.2:8080/v1', 'os.environ/OPTA_NODE_KEY_1', 'b#*'],
    ])
    expect(config.router_settings).toEqual({
      routing_strategy: 'least-busy',
      num_retries: 1,
      disable_cooldowns: true,
    })
    expect(buildLiteLlmConfig({ ...studio, nodes: [] })).toEqual(buildLiteLlmConfig(studio))
  })

  it('leaves `stop` out when there are no stop sequences', () => {
    const profile = { ...studio, proxy: { ...studio.proxy, stopSequences: [] } }
    for (const model of buildLiteLlmConfig(profile).model_list) {
      expect(model.litellm_params).not.toHaveProperty('stop')
    }
  })

  it("turns on LiteLLM's own metrics only on request", () => {
    const callbacksOf = (proxy: typeof studio.proxy) =>
      buildLiteLlmConfig({ ...studio, proxy }).litellm_settings['callbacks']
    expect(callbacksOf(studio.proxy)).toEqual(['opta_router.callback'])
    expect(callbacksOf({ ...studio.proxy, litellmMetrics: true })).toEqual([
      'opta_router.callback',
      'prometheus',
    ])
  })

  it('reads back from YAML as what was built', () => {
    const config = buildLiteLlmConfig(studio)
    expect(parse(renderLiteLlmConfig(config))).toEqual(config)
  })

  it('keeps stop sequences texts for a YAML 1.1 reader, where `no` is a boolean and 012 a number', () => {
    const stopSequences = ['no', '012', '~', '1_000', "it's: #1", '<|EOT|>\n', '*a']
    const profile = { ...studio, proxy: { ...studio.proxy, stopSequences } }
    const text = renderLiteLlmConfig(buildLiteLlmConfig(profile))
    const read = parse(text, { version: '1.1' })
    expect(read.model_list[1].litellm_params.stop).toEqual(stopSequences)
  })

  it('gives every setting its reason, once, and carries no key', () => {
    const text = renderLiteLlmConfig(buildLiteLlmConfig(studio))
    const lines = text.split('\n')
    for (const setting of ['router_settings', 'litellm_settings', 'general_settings']) {
      const start = lines.findIndex((line) => line.startsWith(`${setting}:`))
      const body = lines.slice(start + 1)
      const end = body.findIndex((line) => /^\S/.test(line))
      const block = end === -1 ? body.filter((line) => line !== '') : body.slice(0, end)
      block.forEach((line, index) => {
        // Of a list the reason stands above its name.
        if (!/^\s*(#|- )/.test(line)) expect(block[index - 1], `above ${line}`).toMatch(/^\s+# \S/)
      })
    }
    expect(text.match(/hidden retries/g)).toHaveLength(1)
    expect(text).not.toContain('sk-local-opta')
  })
})

describe('localUrl', () => {
  it('uses loopback for a wildcard address, else the address itself', () => {
    expect(localUrl('0.0.0.0', 8080)).toBe('http://127.0.0.1:8080')
    expect(localUrl('localhost', 8080)).toBe('http://127.0.0.1:8080')
    expect(localUrl('::', 8080)).toBe('http://[::1]:8080')
    expect(localUrl('192.168.1.7', 4000)).toBe('http://192.168.1.7:4000')
    expect(localUrl('fe80::1', 4000)).toBe('http://[fe80::1]:4000')
    expect(localUrl(['100.64.0.7', '::1'], 8080)).toBe('http://[::1]:8080')
    expect(localUrl(['100.64.0.7', 'fe80::1'], 8080)).toBe('http://100.64.0.7:8080')
  })
})
