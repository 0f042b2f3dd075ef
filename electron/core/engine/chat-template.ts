// Chooses the chat template that llama-server renders requests with: the model's own, the profile's, or ours.
import { statSync } from 'node:fs'
import { join } from 'node:path'
import type { Profile } from '../../contract/profile.ts'
import { type GgufHeader, readGgufHeader } from '../gguf/gguf-header.ts'

export type ChatTemplateChoice =
  /** No flag is passed. `toolless`: the model's own can't render tools (or is missing) and we have none for it. */
  | { readonly kind: 'own'; readonly toolless: boolean | null; readonly reason: string }
  /** `toolless`: this one can't render tools either. A template named by the profile is assumed to. */
  | {
      readonly kind: 'file'
      readonly path: string
      readonly toolless: boolean
      readonly reason: string
    }

/** The header fields that the choice depends on. */
export type TemplateFacts = Pick<GgufHeader, 'architecture' | 'name' | 'metadata'>

export interface ChatTemplateQuestion {
  readonly profile: Pick<Profile['llamaServer'], 'chatTemplate' | 'pinnedFlags'>
  /** null: the header cannot be read. */
  readonly header: TemplateFacts | null
  readonly resourcesDir: string
}

const templateKey = 'tokenizer.chat_template'

export const ourTemplatePath = (
  resourcesDir: string,
  name: 'r1-distill-llama' | 'smollm2-instruct',
): string => join(resourcesDir, 'templates', `${name}.jinja`)

/**
 * Decides from the file alone, before anything runs. `auto` picks ours only for a model of the family it was written
 * for: with the wrong template a model still answers, only worse, and the cause is invisible.
 */
export const chooseChatTemplate = ({
  profile,
  header,
  resourcesDir,
}: ChatTemplateQuestion): ChatTemplateChoice => {
  const setting = profile.chatTemplate ?? 'auto'
  if (setting !== 'auto' && setting !== 'model')
    return { kind: 'file', path: setting, toolless: false, reason: 'The profile names this chat template.' }
  if (profile.pinnedFlags.some((word) => /^--chat-template(-file)?(=|$)/.test(word)))
    return keep(null, 'the profile pins its own chat template')
  if (header === null)
    return keep(null, "the model's header cannot be read, so neither can its chat template")
  const own = judgeOwnTemplate(header)
  if (own.toolless !== true || setting !== 'auto') return own
  if (isR1DistillLlama(header)) {
    const reason = `${own.reason}, so an agent's tools would be dropped silently (measured: a 78 KB request became 1,538 tokens), and it keeps only the last of several system messages. Ours renders both.`
    const path = ourTemplatePath(resourcesDir, 'r1-distill-llama')
    return { kind: 'file', path, toolless: false, reason: capitalise(reason) }
  }
  if (isSmolLm(header)) {
    const path = ourTemplatePath(resourcesDir, 'smollm2-instruct')
    return { kind: 'file', path, toolless: true, reason: whyNotSmolLmsOwn }
  }
  return own
}

/** Reads only the first part of the header. If the file isn't a model, llama-server reports that. */
export const readChatTemplateChoice = async (
  profile: Profile['llamaServer'],
  resourcesDir: string,
): Promise<ChatTemplateChoice> => {
  const header = await readGgufHeader(profile.modelPath).catch(() => null)
  const choice = chooseChatTemplate({ profile, header, resourcesDir })
  if (choice.kind === 'file' && statSync(choice.path, { throwIfNoEntry: false })?.isFile() !== true) {
    const place = choice.path === profile.chatTemplate ? 'llamaServer.chatTemplate' : 'our chat template'
    throw new Error(
      `${place}: ${choice.path} is missing, is not a regular file, or is not readable by this user`,
    )
  }
  return choice
}

type OwnTemplate = Extract<ChatTemplateChoice, { kind: 'own' }>

const keep = (toolless: boolean | null, reason: string): OwnTemplate => ({ kind: 'own', toolless, reason })

const judgeOwnTemplate = ({ metadata }: TemplateFacts): OwnTemplate => {
  const template = metadata.get(templateKey)
  // If a file has several templates, llama.cpp renders requests with tools by this one (common/chat.cpp).
  if (metadata.has(`${templateKey}.tool_use`) || (typeof template === 'string' && mentionsTools(template)))
    return keep(false, "the model's own chat template renders tools")
  // llama-server then falls back to ChatML (seen with such a model: supports_tools false).
  if (template === undefined) return keep(true, 'the model file has no chat template')
  return typeof template === 'string'
    ? keep(true, "the model's own chat template never mentions the tools")
    : keep(null, "the model's chat template is not text, or is longer than 64 KiB")
}

/**
 * Whether any Jinja block uses the variable `tools`. Strings and comments don't count: R1's template is full of
 * `tool_calls` and `<｜tool▁calls▁begin｜>`, which render earlier calls, not the available tools.
 */
export const mentionsTools = (template: string): boolean => {
  const blocks = template.replaceAll(/\{#[\s\S]*?#\}/g, '').match(/\{[{%][\s\S]*?[%}]\}/g) ?? []
  return blocks.some((block) =>
    /(?<![\w.])tools(?!\w)/.test(block.replaceAll(/'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"/g, "''")),
  )
}

/** By name, or by the template's turn markers, which a renamed fine-tune keeps. */
const isR1DistillLlama = ({ architecture, name, metadata }: TemplateFacts): boolean => {
  if (architecture !== 'llama') return false
  const names = [name, metadata.get('general.basename'), metadata.get('general.finetune')]
  if (names.some((text) => typeof text === 'string' && /r1[\s_-]*distill[\s_-]*llama/i.test(text)))
    return true
  const template = metadata.get(templateKey)
  return (
    typeof template === 'string' && template.includes('<｜User｜>') && template.includes('<｜Assistant｜>')
  )
}

/** The template adds this to requests that have no system message. */
const smolLmSystem = 'You are a helpful AI assistant named SmolLM, trained by Hugging Face'
const whyNotSmolLmsOwn =
  "The model's own chat template invents a system message for requests without one, and SmolLM2 135M then answers nonsense (measured at temperature 0: without that message it knows the capital of France, with a cache in f16, q8_0 or q4_0). Neither template renders tools."

const isSmolLm = ({ architecture, metadata }: TemplateFacts): boolean => {
  const template = metadata.get(templateKey)
  return architecture === 'llama' && typeof template === 'string' && template.includes(smolLmSystem)
}

const capitalise = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}`
