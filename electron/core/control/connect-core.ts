// The app's way to a core: attaches to the one that runs, else has one started, and looks again when it goes.
import { existsSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import type { AppState } from '../../contract/app.ts'
import type { Command, Outcome } from '../../contract/command.ts'
import type { Snapshot } from '../../contract/snapshot.ts'
import { within } from '../base/deadline.ts'
import { messageOf } from '../base/error-message.ts'
import { firstOf } from '../base/first-of.ts'
import { watchFolder } from '../base/watch-folder.ts'
import { ensureStateFolder, type StateFolder } from '../config/state-folder.ts'
import type { Watch } from '../observe/watch.ts'
import { attachToCore, type ControlClient } from './client.ts'
import type { CoreLink } from './core-link.ts'
import { attachAsGuest } from './guests/attach-as-guest.ts'
import { readSharedSocketName } from './guests/shared-socket.ts'
import { createSilenceWatch } from './silence-watch.ts'

export type LinkState = Pick<AppState, 'link' | 'snapshot'>

export interface ConnectOptions {
  readonly folder: StateFolder
  /**
   * Has a core of this user's started in a process of its own. `guest`: none was, because another user's core owns the
   * stack of this machine. Rejects with one sentence that says why there is none.
   */
  readonly start: () => Promise<'own' | 'guest'>
  readonly onState: (state: LinkState) => void
  /** How long a core of another process may be silent before it is asked, and then take to answer. */
  readonly patience?: Patience
}

interface Patience {
  readonly watchedMs: number
  readonly calmMs: number
  readonly answerMs: number
}

/** A core tells at 1 Hz when watched and every 5 s when not; a loaded machine may be late. */
const usualPatience: Patience = { watchedMs: 10_000, calmMs: 20_000, answerMs: 5_000 }

export interface CoreConnection {
  /** Whether somebody looks, so that everything is to be read at about 1 Hz. */
  setWatched(watched: boolean): void
  /** Never rejects: that no core answers is a refusal in words too. */
  dispatch(command: Command): Promise<Outcome>
  /** The core that answers now. Throws in words when none does. */
  core(): CoreLink
  /** Begins something with the core that answers, and anew with each later one; the returned function ends it. */
  withEachCore(begin: (core: CoreLink) => () => void): () => void
  /** Lets go of the core; the services go on running. Idempotent. */
  close(): Promise<void>
}

/** What a look for a core came to. `gone`: there was one, and it went; `missed`: it went before we had attached. */
type Look =
  | { readonly kind: 'gone' | 'missed' }
  /** Another user's core has ended, whose guest this app was. */
  | { readonly kind: 'host-gone'; readonly user: string }
  | { readonly kind: 'failed'; readonly reason: string }

/** A core that was killed before it listened, or before it answered, changes no file: only another try tells. */
const retryMs = 1_000
/** A start that failed costs a process each time, and will most likely fail again. */
const failedMs = 3_000

export const connectCore = ({
  folder,
  start,
  onState,
  patience = usualPatience,
}: ConnectOptions): CoreConnection => {
  let using: { readonly core: CoreLink; readonly watch: Watch } | null = null
  const begun = new Map<(core: CoreLink) => () => void, (() => void) | null>()
  let watched = false
  /** Whose guest this app has been; null: nobody's, or it has had a core of its own user's since. */
  let guestOf: string | null = null
  let ended = false
  let end = () => {}
  const bell = createBell()
  const ending = new Promise<void>((resolve) => {
    end = () => {
      ended = true
      resolve()
      bell.ring()
    }
  })

  const tell = (state: LinkState) => {
    if (!ended) onState(state)
  }

  /** Settles when this core is gone or not wanted any more; rejects when it does not answer. */
  const use = async (core: ControlClient): Promise<void> => {
    let whose = ''
    let fallSilent = () => {}
    const silent = new Promise<void>((resolve) => {
      fallSilent = resolve
    })
    const isAnswered = async (answer: Promise<unknown>): Promise<boolean> =>
      (await within(
        answer.then(() => true),
        patience.answerMs,
      )) === true
    const silence = createSilenceWatch({
      patienceMs: () => (watched ? patience.watchedMs : patience.calmMs),
      // A connection that ended is told by `closed`.
      ask: () => isAnswered(core.readSnapshot().catch(() => {})),
      onSilent: fallSilent,
    })
    const unanswered = () => new Error(`the core${whose} does not answer`)

    // The app goes on showing it after everything was stopped.
    core.keep()
    const watch = core.watch(
      (snapshot) => {
        whose = ` (pid ${snapshot.owner.pid})`
        silence.heard()
        tell({ link: attachedTo(snapshot), snapshot })
      },
      { watched },
    )
    try {
      if (!(await isAnswered(watch.begun))) throw unanswered()
      using = { core, watch }
      watch.setWatched(watched)
      for (const begin of begun.keys()) begun.set(begin, begin(core))
      // An old picture must not go on looking live.
      const end = firstOf<unknown>([core.closed, ending, silent.then(() => 'silent')])
      if ((await end) === 'silent') throw unanswered()
    } finally {
      silence.stop()
      using = null
      for (const [begin, undo] of begun) {
        undo?.()
        begun.set(begin, null)
      }
      watch.stop()
      core.close()
    }
  }

  const attach = async (): Promise<ControlClient | null> => {
    const own = await attachToCore(folder.socketPath)
    if (own !== null) return own
    // The other user's servers go on without their core, and it may just be updating itself: it is waited for, and no core
    // of our own is started meanwhile.
    const isGuest = guestOf !== null || (await start()) === 'guest'
    return isGuest ? attachAsGuest(folder.sharedDir) : attachToCore(folder.socketPath)
  }

  let unfollow: (() => void) | null = null
  const look = async (): Promise<Look> => {
    try {
      if (unfollow === null) {
        // It may not be to be made, and be mended meanwhile.
        ensureStateFolder(folder)
        unfollow = followSockets(folder, bell.ring)
      }
      const client = await attach()
      if (client === null) return guestOf === null ? { kind: 'missed' } : { kind: 'host-gone', user: guestOf }
      guestOf = client.user
      await use(client)
      return { kind: 'gone' }
    } catch (error) {
      return { kind: 'failed', reason: messageOf(error) }
    }
  }

  const run = async (): Promise<void> => {
    while (!ended) {
      // Before the look, so that a core which comes meanwhile is not missed.
      bell.mute()
      const found = await look()
      tell({ link: linkWithout(found), snapshot: null })
      if (found.kind === 'host-gone') await bell.heard(null)
      if (found.kind === 'missed') await bell.heard(retryMs)
      if (found.kind === 'failed') await bell.heard(failedMs)
    }
    unfollow?.()
  }

  tell({ link: { kind: 'connecting' }, snapshot: null })
  const running = run()
  return {
    setWatched: (next) => {
      watched = next
      using?.watch.setWatched(next)
    },
    dispatch: async (command) => {
      try {
        return (await using?.core.dispatch(command)) ?? { accepted: false, reason: noCore }
      } catch (error) {
        return { accepted: false, reason: messageOf(error) }
      }
    },
    core: () => {
      if (using === null) throw new Error(noCore)
      return using.core
    },
    withEachCore: (begin) => {
      begun.set(begin, using === null ? null : begin(using.core))
      return () => {
        begun.get(begin)?.()
        begun.delete(begin)
      }
    },
    close: () => {
      end()
      return running
    },
  }
}

const noCore = 'no core answers'

const attachedTo = ({ owner }: Snapshot): AppState['link'] => ({
  kind: 'attached',
  pid: owner.pid,
  user: owner.user ?? null,
})

const linkWithout = (found: Look): AppState['link'] => {
  switch (found.kind) {
    case 'gone':
    case 'missed':
      return { kind: 'connecting' }
    case 'host-gone':
      return {
        kind: 'lost',
        reason: `${found.user}’s core has ended; Nexus attaches again when it is back. For a stack of your own, quit Nexus and open it again.`,
      }
    case 'failed':
      return { kind: 'lost', reason: found.reason }
  }
}

/** One who waits for what may ring at any time; what rang since it was muted is heard too. */
const createBell = () => {
  let isRung = false
  let wake = () => {}
  return {
    ring: () => {
      isRung = true
      wake()
    },
    mute: () => {
      isRung = false
    },
    /** @param ms after which it is waited no more; null: for ever */
    heard: (ms: number | null) =>
      new Promise<void>((resolve) => {
        const timer = ms === null ? null : setTimeout(resolve, ms)
        wake = () => {
          if (timer !== null) clearTimeout(timer)
          resolve()
        }
        if (isRung) wake()
      }),
  }
}

/**
 * Tells of the coming and going of sockets: this user's, whose folder has to be there, and those of others. The returned
 * function ends that.
 */
const followSockets = ({ socketPath, sharedDir }: StateFolder, tell: () => void): (() => void) => {
  const undo: (() => void)[] = []
  const follow = (dir: string, isSocket: (name: string) => boolean) => {
    undo.push(
      watchFolder(dir, (name) => {
        if (name === null || isSocket(name)) tell()
      }),
    )
  }
  follow(dirname(socketPath), (name) => name === basename(socketPath))
  if (sharedDir !== null && existsSync(sharedDir))
    follow(sharedDir, (name) => readSharedSocketName(name) !== null)
  return () => {
    for (const end of undo) end()
  }
}
