import t from 'tap'
import type { HostProcess } from '../../../../agent/collector/processes/host-process.ts'
import { inOrder } from '../../../../agent/collector/sources/stacks/look.ts'
import type { StacksRequest } from '../../../../agent/collector/sources/stacks/request.ts'
import type { Thread } from '../../../../agent/collector/sources/stacks/thread.ts'

t.test('who may be gone soonest is taken first', async (t) => {
  const process = (pid: number, memory: number, container?: string) => ({ pid, memory, container }) as HostProcess
  const chosen = [process(1, 1), process(2, 9), process(3, 2, 'c'), process(4, 3, 'c'), process(5, 1), process(6, 8)]
  const request = { chosen, troubled: new Map([[5, 'failed']]) } as unknown as StacksRequest
  const blocked = [{ state: 'D' } as Thread]
  const stood = inOrder(request, { threads: new Map([[6, blocked]]), unlooked: new Map() })
  t.same(
    stood.map(({ process: { pid } }) => pid),
    [6, 5, 4, 3, 2, 1],
  )
})
