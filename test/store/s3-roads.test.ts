import { join } from 'node:path'
import t from 'tap'
import { openRoads } from '../../agent/store/s3/roads.ts'

t.test('the proxy that is set for a protocol is told, with its variable and without its password', async (t) => {
  const told = async (env: NodeJS.ProcessEnv, protocol = 'https:') => (await openRoads(env)).proxyFor(protocol)
  t.equal(await told({}), undefined)
  t.equal(await told({ HTTPS_PROXY: 'http://me:secret@proxy:3128' }), 'the proxy proxy:3128 (HTTPS_PROXY)')
  t.equal(
    await told({ https_proxy: 'https://small:3129', HTTPS_PROXY: 'http://large' }),
    'the proxy small:3129 (https_proxy)',
  )
  const both = { HTTPS_PROXY: 'http://secure', HTTP_PROXY: 'http://plain' }
  t.equal(await told(both), 'the proxy secure (HTTPS_PROXY)')
  t.equal(await told(both, 'http:'), 'the proxy plain (HTTP_PROXY)')
  t.equal(await told({ HTTP_PROXY: 'http://plain' }), undefined)
})

t.test('authorities that cannot be read are told, and nobody is trusted by them', async (t) => {
  t.equal((await openRoads({})).distrust, undefined)
  const file = join(t.testdir(), 'none.pem')
  t.match((await openRoads({ NODE_EXTRA_CA_CERTS: file })).distrust, /^cannot use NODE_EXTRA_CA_CERTS=.*none\.pem: /)
})
