import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { promisify } from 'node:util'
import t from 'tap'
import { type Resolve, rememberingLookup } from '../../agent/store/s3/lookup.ts'

// The machine's own resolver cannot be killed for a test: these stand for its states.
const alive: Resolve = async () => [
  { address: '127.0.0.1', family: 4 },
  { address: '::1', family: 6 },
]
const hanging: Resolve = () => new Promise(() => {})
const failing: Resolve = async () => {
  throw Object.assign(new Error('getaddrinfo EAI_AGAIN'), { code: 'EAI_AGAIN' })
}

t.test('addresses outlive the resolver', async (t) => {
  for (const state of [failing, hanging]) {
    let resolve = alive
    const lookup = promisify(rememberingLookup((host) => resolve(host), 10))
    const all = () => lookup('store.test', { all: true })
    const first = await all()
    t.same(first, await alive(''))
    resolve = state
    t.same(await all(), first)
    t.same(await all(), first)
  }
})

t.test('fresh addresses take the place of old ones', async (t) => {
  let resolve = alive
  const lookup = promisify(rememberingLookup((host) => resolve(host), 60_000))
  await lookup('store.test', { all: true })
  resolve = async () => [{ address: '127.0.0.2', family: 4 }]
  t.equal(await lookup('store.test', {}), '127.0.0.2')
})

t.test('a name that was never known fails as the resolver does', async (t) => {
  const lookup = promisify(rememberingLookup(failing, 10))
  await t.rejects(lookup('store.test', { all: true }), { code: 'EAI_AGAIN' } as unknown as Error)
})

t.test('the family asked for is given', async (t) => {
  const lookup = promisify(rememberingLookup(alive, 10))
  t.equal(await lookup('store.test', { family: 6 }), '::1')
  t.equal(await lookup('store.test', { family: 'IPv4' }), '127.0.0.1')
  const only = promisify(rememberingLookup(async () => [{ address: '::1', family: 6 }], 10))
  await t.rejects(only('store.test', { family: 4 }), { code: 'ENOTFOUND' } as unknown as Error)
})

t.test('a hanging resolver is asked once at a time', async (t) => {
  let asked = 0
  let resolve = alive
  const lookup = promisify(
    rememberingLookup((host) => {
      asked += 1
      return resolve(host)
    }, 10),
  )
  await lookup('store.test', { all: true })
  resolve = hanging
  for (let time = 0; time < 5; time++) await lookup('store.test', { all: true })
  t.equal(asked, 2)
})

t.test('sockets take it, with the real resolver', async (t) => {
  const server = createServer().listen(0)
  await once(server, 'listening')
  t.teardown(() => server.close())
  const socket = connect({
    host: 'localhost',
    port: (server.address() as AddressInfo).port,
    lookup: rememberingLookup(),
  })
  await once(socket, 'connect')
  socket.destroy()
})
