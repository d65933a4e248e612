import t from 'tap'
import type { CoreRow } from '../../../../agent/collector/processes/core-table.ts'
import type { HostProcess } from '../../../../agent/collector/processes/host-process.ts'
import { stacksOutcome } from '../../../../agent/collector/sources/stacks/outcome.ts'
import type { Seen } from '../../../../agent/collector/sources/stacks/request.ts'
import type { Thread } from '../../../../agent/collector/sources/stacks/thread.ts'

const process = (pid: number) => ({ pid, comm: 'app', threads: 5000 }) as HostProcess
const row = (pid: number, over: Partial<CoreRow> = {}): CoreRow => ({
  ...{ process: process(pid), entry: 'e', executable: {}, threads: 3, beyond: 0, freezeMs: 1, missed: [] },
  ...{ unsupported: false, ...over },
})
const thread = { state: 'S', comm: 'app', cpu: 0 } as Thread
const seen = (rows: readonly CoreRow[], over: Partial<Seen> = {}): Seen => ({
  ...{ rows: [...rows], gone: new Set(), unlooked: new Map(), looks: 1 },
  stood: rows.map(({ process }) => ({ process, threads: Array<Thread>(1024).fill(thread), stands: new Map() })),
  ...over,
})
const told = (rows: readonly CoreRow[], over: Partial<Seen> = {}, lost?: string) =>
  stacksOutcome({ chosen: rows.map((one) => one.process), preflight: { ok: true }, gives: true }, seen(rows, over), {
    truncated: () => lost,
  })

t.test('of how many threads how many are there', async (t) => {
  t.equal(told([row(1)]).truncated, undefined)
  t.equal(
    told([row(1), row(2, { threads: 2048, beyond: 2952 })], { unlooked: new Map([[2, 3976]]) }, 'proc/2/task: …')
      .truncated,
    'app 2: 1024 of 5000 threads in the table, 2048 of 5000 in the core',
  )
  const two = [row(1, { beyond: 1 }), row(2)]
  t.equal(told(two, { unlooked: new Map([[2, 1]]) }).truncated, 'app 1: 3 of 4 in the core, and 1 process more')
})

t.test('what is missing that could have been had comes first', async (t) => {
  const none = { entry: undefined, missed: ['it is traced'] }
  const lacking = 'of 1 of 2 processes there is no core: app 1: it is traced'
  t.equal(told([row(1, none), row(2, { beyond: 1 })]).truncated, lacking)
  const gone = told([row(1, none), row(2)], { gone: new Set([1]) })
  t.equal(gone.truncated, undefined)
  t.match(gone.identity?.details, { gone: 1, goneFirst: [{ pid: 1, comm: 'app' }] }, 'but it is told')
  t.equal(told([row(1, { ...none, unsupported: true })]).truncated, undefined)
  t.equal(told([row(1)], {}, 'proc/1/x: hung').truncated, 'proc/1/x: hung')
})
