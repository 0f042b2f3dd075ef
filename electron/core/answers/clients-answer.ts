// The client snippets of each developer: masked for a window, with the key for the clipboard.
import type { ClientsAnswer } from '../../contract/question.ts'
import { clientsAnswer, findSnippet } from '../clients/client-guide.ts'
import { readClientGuides } from '../clients/read-client-guides.ts'
import type { SnippetName } from '../control/core-link.ts'
import { type AnswerContext, pickProfile } from './answer-context.ts'

/** Throws ConfigError when no profile can be read. */
export const answerClients = async (context: AnswerContext): Promise<ClientsAnswer> =>
  clientsAnswer((await readClientGuides(context, pickProfile(context).profile)).guides)

/** Contains the key. Throws when there is no such developer or snippet. */
export const readSnippet = async (
  context: AnswerContext,
  { developer, snippet }: SnippetName,
): Promise<string> => {
  const { guides } = await readClientGuides(context, pickProfile(context).profile)
  const text = findSnippet(guides, developer, snippet)
  if (text === null) throw new Error(`there is no snippet "${snippet}" for a developer "${developer}"`)
  return text
}
