import { createServer, get } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { openRoads } from '../../agent/store/s3/roads.ts'

t.test('a connection that has rested is not used again, and one that is in use is left alone', async (t) => {
  let connections = 0
  const server = createServer((request, answer) => {
    const slow = request.url === '/slow' ? 400 : 0
    void sleep(slow).then(() => answer.end('here'))
  })
  server.on('connection', () => {
    connections += 1
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  const { port } = server.address() as AddressInfo
  const { httpAgent } = await openRoads({}, undefined, 100)
  t.teardown(() => httpAgent.destroy())
  const ask = (path: string) =>
    new Promise<string>((resolve, reject) => {
      get({ host: '127.0.0.1', port, path, agent: httpAgent }, (answer) => {
        answer.setEncoding('utf8').on('data', resolve)
      }).on('error', reject)
    })
  t.equal(await ask('/slow'), 'here')
  t.equal(connections, 1)
  await sleep(1_000)
  t.equal(await ask('/'), 'here')
  t.equal(connections, 2)
})
