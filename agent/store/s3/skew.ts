/** A Date header is cut to whole seconds (RFC 9110, 5.6.7): on average it is this much too early, in ms. */
const CUT = 500

/**
 * Milliseconds the server's clock is ahead of ours, from the Date header of an answer and our times (ms since the
 * epoch) of request and answer; good to half a second plus half the time between them. undefined without a date.
 */
export function clockSkew(date: string | undefined, sent: number, answered: number): number | undefined {
  const server = Date.parse(date ?? '')
  return Number.isNaN(server) ? undefined : Math.round(server + CUT - (sent + answered) / 2)
}
