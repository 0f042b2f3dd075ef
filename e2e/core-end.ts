// Test support: a core started by an app exits when the app is gone and nothing runs.
import { setTimeout as sleep } from 'node:timers/promises'
import { locateStateFolder } from '../electron/core/config/state-folder.ts'
import { attachToCore } from '../electron/core/control/client.ts'

const endsWithinMs = 20_000

/** Settles once no core of that state folder listens. Rejects with its pid when one still does after 20 s. */
export const untilNoCore = async (home: string): Promise<void> => {
  const { socketPath } = locateStateFolder({ NEXUS_HOME: home }, process.platform, home)
  const deadline = Date.now() + endsWithinMs
  for (;;) {
    const core = await attachToCore(socketPath)
    if (core === null) return
    if (Date.now() > deadline) {
      const { owner } = await core.readSnapshot()
      core.close()
      throw new Error(`the core (pid ${owner.pid}) goes on although nothing runs`)
    }
    core.close()
    await sleep(100)
  }
}
