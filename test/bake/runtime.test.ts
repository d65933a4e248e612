import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { Lock } from '../../scripts/image/packages.ts'
import { ARCHITECTURES, runtimeBinary, verify } from '../../scripts/image/runtime.ts'
import { ARCH, CHECKOUT, write } from './tiny-image.ts'

const forever = new AbortController().signal
const lock = JSON.parse(readFileSync(join(CHECKOUT, 'package-lock.json'), 'utf8')) as Lock

t.test('the runtime of every architecture is pinned by hash', async (t) => {
  for (const arch of ARCHITECTURES) t.match(lock.packages[`node_modules/node-linux-${arch}`]?.integrity, /^sha512-/)
  await t.rejects(
    runtimeBinary(CHECKOUT, { packages: {} }, ARCH, forever),
    /cannot find the runtime .*: run npm install/,
  )
})

t.test('comes from node_modules, else from the cache', async (t) => {
  const name = `node-linux-${ARCH}`
  const version = lock.packages[`node_modules/${name}`]?.version
  const checkout = write(t.testdir({}), { [`.cache/${name}-${version}/package/bin/node`]: '' })
  t.match(await runtimeBinary(checkout, lock, ARCH, forever), /\.cache/)
  write(checkout, { [`node_modules/${name}/bin/node`]: '' })
  t.match(await runtimeBinary(checkout, lock, ARCH, forever), /node_modules/)
})

t.test('what was fetched must be what the lock names', (t) => {
  // printf abc | openssl dgst -sha512 -binary | base64
  const abc = '3a81oZNherrMQXNJriBBMRLm+k6JqX6iCp7u5ktV05ohkpkqJ0/BqDa6PCOj/uu9RU1EI2Q86A4qmslPpUyknw=='
  t.doesNotThrow(() => verify(Buffer.from('abc'), `sha512-${abc}`))
  t.throws(() => verify(Buffer.from('abd'), `sha512-${abc}`), /cannot trust what was fetched: its sha512 is/)
  t.end()
})
