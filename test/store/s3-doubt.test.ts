import t from 'tap'
import { CAPTURE_PATIENCE, READER_PATIENCE } from '../../agent/store/s3/client.ts'
import { CredentialsError } from '../../agent/store/s3/credentials-error.ts'
import { endedError, s3Error } from '../../agent/store/s3/failure.ts'
import { taskOf } from './task.ts'

const task = taskOf()
const status = (httpStatusCode: number) => ({ $metadata: { httpStatusCode } })
const told = (error: object) => {
  const { failure, doubtful } = s3Error(task, Object.assign(new Error('x'), error))
  return `${failure}${doubtful ? ', in doubt' : ''}`
}

t.test('an object may be there after what may have been carried out, and not after what was refused', async (t) => {
  t.equal(told(status(200)), 'transient, in doubt', 'an error in an answer that had begun')
  for (const code of [500, 503]) t.equal(told(status(code)), 'transient, in doubt', `${code}`)
  for (const code of [307, 408, 429]) t.equal(told(status(code)), 'transient', `${code}`)
  t.equal(told({ code: 'ECONNRESET' }), 'transient, in doubt')
  t.equal(told({ code: 'ECONNREFUSED' }), 'transient')
  t.equal(told({ ...status(503), name: 'SlowDown' }), 'transient')
  const none = s3Error(task, new CredentialsError('the service does not answer', true))
  t.match(none, { failure: 'transient', doubtful: false, message: /there are no credentials just now: the service/ })
})

t.test('what the signal has ended is in doubt, and says why it did where that is not its time', async (t) => {
  const ended = endedError(task, new DOMException('', 'TimeoutError'))
  t.match(ended, {
    failure: 'transient',
    doubtful: true,
    message: /: its time was up, and the store had not answered$/,
  })
  t.match(
    endedError(task, new Error('forced')).message,
    /: its time was up \(forced\), and the store had not answered$/,
  )
  t.match(endedError(task, 'why').message, /: its time was up \(why\), and/)
})

t.test('patience leaves time for two SYNs, and for two more tries of a deadline of 30 s', async (t) => {
  const { connect, silence, tries } = CAPTURE_PATIENCE
  // The second is sent after 1 s, the third after 3 s (RFC 6298).
  t.ok(connect >= 3_000 && connect < 7_000)
  t.ok(silence * 3 <= 30_000 && silence > connect)
  t.equal(tries, 1, 'others try again')
  t.strictSame(READER_PATIENCE, { connect: 5_000, silence: 15_000, tries: 5 })
})
