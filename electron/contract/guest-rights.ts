// What a guest may ask of another user's core: nothing secret, and no change that the next start or stop doesn't undo.
// Pure. The core enforces it; the window draws no button that the core would refuse.
import type { AppState } from './app.ts'
import type { Command } from './command.ts'
import type { Query } from './question.ts'

/** The user whose guest the app is; null: no guest. */
export const hostOf = ({ link }: Pick<AppState, 'link'>): string | null =>
  link.kind === 'attached' ? link.user : null

/**
 * Why a guest may not give this command, in one sentence; null: allowed. The core acts with its owner's rights, so only
 * the owner may name a file, end a process, lose files or install something.
 */
export const refuseCommand = (command: Command, owner: string): string | null => {
  switch (command.type) {
    case 'start':
      if (command.replaceForeign === true)
        return onlyOwner(owner, 'ending a program that holds a port', 'nexus up --replace-foreign')
      if (command.setUp === true) return onlyOwner(owner, 'installing the missing parts', 'nexus up')
      if (command.force) return onlyOwner(owner, 'a start that does not fit', 'nexus up --force')
      if (command.model !== undefined)
        return onlyOwner(owner, 'choosing a model', `nexus up --model ${command.model}`)
      if (command.profile !== null && !isProfileName(command.profile))
        return `A guest may start ${owner}'s profiles only by name, not from a file: found "${command.profile}".`
      return null
    case 'stop':
      return command.eject || command.force
        ? onlyOwner(owner, 'ejecting the Build Forge, whose files are then lost', 'nexus down --eject')
        : null
    case 'restart':
      return null
    case 'configure':
      return onlyOwner(owner, 'changing the settings', null)
    case 'key':
      return onlyOwner(owner, 'changing the keys', `nexus key ${command.action} ${command.developer}`)
    case 'fetchModel':
      return onlyOwner(owner, 'fetching a model', `nexus model fetch ${command.model}`)
    case 'cancelFetch':
      return onlyOwner(owner, 'cancelling a fetch', `nexus model cancel ${command.id}`)
  }
}

/** Why a guest may not ask this, in one sentence; null: allowed. */
export const refuseQuery = (query: Query, owner: string): string | null => {
  switch (query.type) {
    case 'plan':
    case 'doctor':
    case 'models':
    // Keys are masked.
    case 'clients':
      return null
    case 'settings':
      return `The settings belong to ${owner}, who owns this stack.`
    case 'logTail':
      return refuseLogs(owner)
  }
}

/** llama-server's higher log levels and LiteLLM's errors record everyone's prompts. */
export const refuseLogs = (owner: string): string =>
  `The logs belong to ${owner}, who owns this stack: they may contain other people’s prompts.`

/** Also for snippets, which contain a key. */
export const refuseKeys = (owner: string): string =>
  `The keys belong to ${owner}, who owns this stack: ask ${owner} for yours, which nexus clients prints there.`

const onlyOwner = (owner: string, what: string, command: string | null): string =>
  `This stack is ${owner}'s, and only ${owner} may do this: ${what}${command === null ? '' : ` (${command})`}.`

/** As in the contract: anything else would be read as a file, with the owner's rights. */
const isProfileName = (requested: string): boolean => /^[a-z][a-z0-9-]{0,31}$/.test(requested)
