import type { Loaded } from '../settings/layers.ts'
import type { Attendants } from './attendants.ts'
import type { BuildersRules } from './builders-rules.ts'
import type { HoldLock } from './hold-lock.ts'
import type { Announcement } from './host/logind.ts'
import type { Turns } from './processes/turns.ts'
import type { Sessions } from './sessions.ts'
import type { Intake } from './sources/cores/intake.ts'
import type { Source } from './sources/source.ts'
import type { Vitals } from './witnesses/look-around.ts'

/** What the collector knows while it runs, whatever captures there are. */
export interface Desk {
  readonly root: string
  readonly version: string
  readonly sources: readonly Source[]
  readonly sessions: Sessions
  readonly turns: Turns
  /** Takes cores over while the host goes down; undefined for a capture by hand. */
  readonly intake?: Intake | undefined
  /** undefined: a capture by hand, which holds nobody. */
  readonly hold: HoldLock | undefined
  /** What logind says of a shutdown. Nobody listens to it for a capture by hand. */
  readonly announcement: Announcement
  /** What the host suffered from when that was asked last while applications were held: any session of the same shutdown may need it. */
  vitals?: Promise<Vitals> | undefined
  loaded: Loaded
  /** The rules of the image's builder: baked, so read once. */
  readonly builders: BuildersRules
  readonly reload: (signal: AbortSignal) => Promise<Loaded>
  /** Daemons that attend: applications wait for the first of them at shutdown. */
  readonly attendants: Attendants
}
