import { pathToFileURL } from 'node:url'
import t from 'tap'
import { capture } from '../../agent/capture/capture.ts'
import type { CaptureRequest } from '../../agent/capture/request.ts'
import { defaultSettings } from '../../agent/settings/schema.ts'
import { openStore } from '../../agent/store/open.ts'
import { collectorAt } from '../../agent/wall/client.ts'
import { collectorOf, item, source } from '../collector/synthetic.ts'

t.test('live evidence shares the time for which applications are held; what waits for it comes after', async (t) => {
  const never = new AbortController().signal
  const store = await openStore(pathToFileURL(t.testdir()).href, defaultSettings().s3, never)
  async function* endless() {
    for (;;) {
      yield Buffer.alloc(1000)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
  const large = { phase: 'live', source: 'live', bytes: 50_000_000 } as const
  const { socket } = await collectorOf(t, [
    source('live', [
      item('live/first', endless, { ...large, value: 900 }),
      item('live/second', endless, { ...large, value: 100 }),
    ]),
    source('cores', [
      item('cores/after', async function* () {
        yield Buffer.from('taken')
      }),
    ]),
  ])
  const request: CaptureRequest = {
    trigger: 'manual',
    deadline: 60_000,
    hold: 3_000,
    identity: 'host-1',
    host: { name: 'host-1', kernel: '6.1', arch: 'x64' },
    recipients: [],
    problems: [],
    agent: '0',
  }
  const { manifest } = await capture(request, collectorAt(socket), store, never)
  const told = manifest.receipts.map(({ artifact, status, because }) => [artifact, status, because])
  t.strictSame(told, [
    ['live/first', 'truncated', 'deadline'],
    ['live/second', 'skipped', 'deadline'],
    ['cores/after', 'complete', undefined],
  ])
})
