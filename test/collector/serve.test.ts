import { mkdtemp, rm, stat } from 'node:fs/promises'
import { createConnection } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import type { Desk } from '../../agent/collector/desk.ts'
import { serve } from '../../agent/collector/serve.ts'
import { defaultSettings } from '../../agent/settings/schema.ts'
import { message, messages, WALL_VERSION } from '../../agent/wall/wire.ts'
import { lent } from '../streams/poisoned.ts'

/** ms: more than the collector waits for a request. */
const STARVED = 5_200

t.test('a request that came while the collector was kept from running is answered', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'lastgasp-test-'))
  const end = new AbortController()
  const path = join(directory, 'collector.sock')
  const loaded = { settings: defaultSettings(), layers: [], problems: [], provenance: new Map() }
  const builders = { rules: [], problems: [] }
  const desk = { version: '1.2.3', loaded, builders, reload: async () => loaded } as unknown as Desk
  const served = serve(path, desk, end.signal)
  t.teardown(async () => {
    end.abort()
    await served
    await rm(directory, { recursive: true })
  })
  while ((await stat(path).catch(() => undefined)) === undefined) await sleep(5)
  const socket = createConnection(path)
  // The collector has taken the connection, and waits for what is asked.
  await sleep(200)
  // Timers come next in the loop, and reading after them.
  await new Promise((resolve) => setImmediate(resolve))
  socket.write(message('request', { v: WALL_VERSION, do: 'health' }))
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, STARVED)
  const answers: unknown[] = []
  for await (const answer of messages(lent(socket), 'collector')) if ('json' in answer) answers.push(answer.json)
  t.match(answers, [{ version: '1.2.3' }])
})
