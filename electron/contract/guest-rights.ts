// What a guest may ask of another user's core: what the next start or stop undoes, and nothing secret. Pure. The core
// keeps to it; the window draws no button that it would refuse.
import type { AppState } from './app.ts'
import type { Command } from './command.ts'
import type { Query } from './question.ts'

/** The user whose guest the app is; null: it is nobody's. */
export const hostOf = ({ link }: Pick<AppState, 'link'>): string | null =>
  link.kind === 'attached' ? link.user : null

/**
 * Why a guest may not give this command, in one sentence; null: they may. The core acts with its owner's rights, so
 * whatever names a file, ends a process, loses files or installs something stays the owner's.
 */
export const refuseCommand = (command: Command, owner: string): string | null => {
  switch (command.type) {
    case 'start':
      if (command.replaceForeign === true)
        return onlyOwner(owner, 'ending a program that holds a port', 'nexus up --replace-foreign')
      if (command.setUp === true) return onlyOwner(owner, 'installing what is missing', 'nexus up')
      if (command.force) return onlyOwner(owner, 'a start that does not fit', 'nexus up --force')
      if (command.profile !== null && !isProfileName(command.profile))
        return `A guest may start ${owner}'s profiles by their names only, not from a file: found "${command.profile}".`
      return null
    case 'stop':
      return command.eject || command.force
        ? onlyOwner(owner, 'ejecting the Build Forge, whose files are then lost,', 'nexus down --eject')
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
      return onlyOwner(owner, 'calling a fetch off', `nexus model cancel ${command.id}`)
  }
}

/** Why a guest is not told this, in one sentence; null: they are. */
export const refuseQuery = (query: Query, owner: string): string | null => {
  switch (query.type) {
    case 'plan':
    case 'doctor':
    case 'models':
    // Its keys are masked.
    case 'clients':
      return null
    case 'settings':
      return `The settings belong to ${owner}, whose stack this is.`
    case 'logTail':
      return refuseLogs(owner)
  }
}

/** At llama-server's higher log levels, and in LiteLLM's errors, prompts of everybody are written down. */
export const refuseLogs = (owner: string): string =>
  `The logs belong to ${owner}, whose stack this is: they may hold what others asked the model.`

/** Also a snippet, which has a key in it. */
export const refuseKeys = (owner: string): string =>
  `The keys belong to ${owner}, whose stack this is: ask ${owner} for yours, which nexus clients prints there.`

const onlyOwner = (owner: string, what: string, command: string | null): string =>
  `This stack is ${owner}'s, and ${what} is for ${owner} alone${command === null ? '' : ` (${command})`}.`

/** As the contract has them: anything else would be read as a file, with the owner's rights. */
const isProfileName = (requested: string): boolean => /^[a-z][a-z0-9-]{0,31}$/.test(requested)
