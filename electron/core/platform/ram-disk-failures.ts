// What goes wrong while a RAM disk is made or ejected, as an outcome in words instead of an exception.
import { messageOf } from '../base/error-message.ts'
import type { RamDiskControl } from './platform.ts'

export const tellRamDiskFailures = (control: RamDiskControl): RamDiskControl => ({
  ...control,
  mount: async (spec) => {
    try {
      return await control.mount(spec)
    } catch (error) {
      return { kind: 'failed', reason: `the RAM disk could not be made: ${messageOf(error)}` }
    }
  },
  eject: async (spec, options) => {
    try {
      return await control.eject(spec, options)
    } catch (error) {
      return { kind: 'failed', reason: `the RAM disk could not be ejected: ${messageOf(error)}` }
    }
  },
})
