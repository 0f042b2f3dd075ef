// The app's connection to a core: attaches to a running one or has one started, and reconnects when it goes.
import { existsSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import type { AppState } from '../../contract/app.ts'
import type { Command, Outcome } from '../../contract/command.ts'
import type { Snapshot } from '../../contract/snapshot.ts'
import { messageOf } from '../base/error-message.ts'
import { firstOf, within } from '../base/first-of.ts'
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
   * Starts a core of this user in its own process. `guest`: started none, because another user's core owns this machine's
   * stack. Rejects with a one-sentence reason.
   */
  readonly start: () => Promise<'own' | 'guest'>
  readonly onState: (state: LinkState) => void
  /** How long a core in another process may be silent before we ask it, and how long it then has to answer. */
  readonly patience?: Patience
}

interface Patience {
  readonly watchedMs: number
  readonly calmMs: number
  readonly answerMs: number
}

/** A core sends at 1 Hz when watched and every 5 s when not; a loaded machine may be late. */
const usualPatience: Patience = { watchedMs: 10_000, calmMs: 20_000, answerMs: 5_000 }

export type CoreConnection = ReturnType<typeof connectCore>

/** The result of looking for a core. `gone`: there was one, and it went; `missed`: it went before we attached. */
type Look =
  | { readonly kind: 'gone' | 'missed' }
  /** The other user's core that this app was a guest of has ended. */
  | { readonly kind: 'host-gone'; readonly user: string }
  | { readonly kind: 'failed'; readonly reason: string }

/** A core killed before it listened or answered leaves no trace in the folder: only another try shows it. */
const retryMs = 1_000
/** A failed start costs a process each time, and will most likely fail again. */
const failedMs = 3_000

export const connectCore = ({ folder, start, onState, patience = usualPatience }: ConnectOptions) => {
  let using: { readonly core: CoreLink; readonly watch: Watch } | null = null
  const begun = new Map<(core: CoreLink) => () => void, (() => void) | null>()
  let watched = false
  /** The user whose guest this app was; null: none, or it has had a core of its own user since. */
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

  /** Settles when this core is gone or no longer wanted; rejects when it does not answer. */
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
      // `closed` reports a connection that has ended.
      ask: () => isAnswered(core.readSnapshot().catch(() => {})),
      onSilent: fallSilent,
    })
    const unanswered = () => new Error(`the core${whose} does not answer`)

    // So that the app can still show it after everything was stopped.
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
      // A stale snapshot must not keep looking live.
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
    // The other user's servers run on without their core, which may just be updating: wait for it, and start no core of
    // our own meanwhile.
    const isGuest = guestOf !== null || (await start()) === 'guest'
    return isGuest ? attachAsGuest(folder.sharedDir) : attachToCore(folder.socketPath)
  }

  let unfollow: (() => void) | null = null
  const look = async (): Promise<Look> => {
    try {
      if (unfollow === null) {
        // It may be impossible to create now and fixed later.
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
      // Before the look, so that we don't miss a core that comes meanwhile.
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
    /** Whether a window is visible, so that everything is read at about 1 Hz. */
    setWatched: (next: boolean): void => {
      watched = next
      using?.watch.setWatched(next)
    },
    /** Never rejects: if no core answers, that is a refusal too. */
    dispatch: async (command: Command): Promise<Outcome> => {
      try {
        return (await using?.core.dispatch(command)) ?? { accepted: false, reason: noCore }
      } catch (error) {
        return { accepted: false, reason: messageOf(error) }
      }
    },
    /** The core that answers now. Throws a readable Error when none does. */
    core: (): CoreLink => {
      if (using === null) throw new Error(noCore)
      return using.core
    },
    /** Runs `begin` with the current core and again with each later one. Returns the undo. */
    withEachCore: (begin: (core: CoreLink) => () => void): (() => void) => {
      begun.set(begin, using === null ? null : begin(using.core))
      return () => {
        begun.get(begin)?.()
        begun.delete(begin)
      }
    },
    /** Detaches from the core; services keep running. Idempotent. */
    close: (): Promise<void> => {
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

/** A waiter for a bell that may ring at any time; a ring since the last mute counts too. */
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
    /** @param ms the longest wait; null: for ever */
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
 * Reports sockets that appear or disappear: this user's, whose folder must exist, and other users'. Returns the undo.
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
