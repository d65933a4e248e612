import t from 'tap'
import { QuietError } from '../../agent/store/s3/exchange.ts'
import { unanswered } from '../../agent/store/s3/network.ts'
import type { Thrown } from '../../agent/store/s3/verdict.ts'
import { taskOf } from './task.ts'

const task = taskOf()

t.test('what Node says when no answer came, and what that means', async (t) => {
  const cases: readonly [Thrown, 'transient' | 'permanent', RegExp][] = [
    [{ code: 'ECONNRESET' }, 'transient', /^bucket\.s3\.example broke the connection$/],
    [{ code: 'ENOTFOUND' }, 'transient', /check the endpoint, region \(or s3\.addressing = "path"\) and DNS/],
    [{ code: 'SELF_SIGNED_CERT_IN_CHAIN' }, 'permanent', /is not trusted \(SELF_SIGNED_CERT_IN_CHAIN\): /],
    [{ code: 'CERT_HAS_EXPIRED' }, 'permanent', /has expired, or this machine's clock is wrong$/],
    [{ code: 'ERR_TLS_CERT_ALTNAME_INVALID' }, 'permanent', /for another name: try s3\.addressing = "path"$/],
    [{ code: 'HPE_INVALID_CONSTANT' }, 'permanent', /does not speak HTTP \(HPE_INVALID_CONSTANT\)/],
    [{ message: 'No value provided for input HTTP label: Key.' }, 'permanent', /^No value .* label: Key: check s3\./],
    [{ code: 'ERR_INVALID_URL', message: 'Invalid URL' }, 'permanent', /^Invalid URL: check s3\.endpoint/],
    [{ code: 'ERR_UNESCAPED_CHARACTERS', name: 'TypeError' }, 'permanent', /^TypeError: check s3\.endpoint/],
    [{ code: 'ENOBUFS', message: 'no buffer space' }, 'transient', /cannot be reached: no buffer space$/],
    [{ code: 'ENOBUFS', name: 'Error' }, 'transient', /cannot be reached: Error$/],
    [{ code: 'constructor', message: 'x' }, 'transient', /cannot be reached: x$/],
    [new QuietError(true), 'transient', /^bucket\.s3\.example fell silent$/],
    [new QuietError(false), 'transient', /^no connection to bucket\.s3\.example came about in time$/],
  ]
  for (const [thrown, failure, because] of cases) {
    const [is, says] = unanswered(task, thrown)
    t.equal(is, failure, JSON.stringify(thrown))
    t.match(says, because)
  }
})

t.test('a bucket that is not in the name gives no advice on that', async (t) => {
  const plain = taskOf({ host: 's3.example' })
  t.match(unanswered(plain, { code: 'ENOTFOUND' })[1], /check the endpoint, region and DNS$/)
  t.match(unanswered(plain, { code: 'ERR_TLS_CERT_ALTNAME_INVALID' })[1], /for another name$/)
})

t.test('what a proxy refuses', async (t) => {
  const by = taskOf({ proxy: 'http://proxy:3128' })
  const refused = (statusCode: number) => unanswered(by, { code: 'ERR_PROXY_TUNNEL', statusCode })
  t.strictSame(refused(407), ['permanent', 'http://proxy:3128 wants a name and a password in its URL (407)'])
  for (const status of [429, 500, 503])
    t.strictSame(refused(status), [
      'transient',
      `http://proxy:3128 does not let us through to bucket.s3.example (${status})`,
    ])
  for (const status of [403, 499]) {
    const [failure, because] = refused(status)
    t.equal(failure, 'permanent')
    t.match(because, /set NO_PROXY where there is a direct way$/)
  }
  t.match(unanswered(task, { code: 'ERR_PROXY_TUNNEL', statusCode: 403 })[1], /^the proxy does not let us through/)
  t.match(unanswered(by, { code: 'EPIPE' })[1], /broke the connection; the way there is by http:\/\/proxy:3128, unless/)
})
