/** What a host may be called in a key: nothing that a store, a shell or a URL would take apart. */
export const IDENTITY = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/
