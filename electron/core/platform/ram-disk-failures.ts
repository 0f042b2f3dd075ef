// Turns exceptions while creating or ejecting a RAM disk into failed outcomes.
import { messageOf } from '../base/error-message.ts'
import type { RamDiskControl } from './platform.ts'

export const tellRamDiskFailures = (control: RamDiskControl): RamDiskControl => ({
  ...control,
  mount: async (spec) => {
    try {
      return await control.mount(spec)
    } catch (error) {
      return { kind: 'failed', reason: `could not create the RAM disk: ${messageOf(error)}` }
    }
  },
  eject: async (spec, options) => {
    try {
      return await control.eject(spec, options)
    } catch (error) {
      return { kind: 'failed', reason: `could not eject the RAM disk: ${messageOf(error)}` }
    }
  },
})
