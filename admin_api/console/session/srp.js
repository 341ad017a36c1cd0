// Secure Remote Password as Cognito speaks it (RFC 5054 groups, RFC 2945's shape): the password is proven and never sent.
//
// Cognito's own parts, as its public SDKs have them: the 3072-bit group of RFC 5054 with g = 2, SHA-256, a key derived by HKDF with the words
// "Caldera Derived Key", and a signature over pool, user, secret block and time.

const N_HEX =
  "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B302B0A6DF25F1437" +
  "4FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7EDEE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF05" +
  "98DA48361C55D39A69163FA8FD24CF5F83655D23DCA3AD961C62F356208552BB9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3B" +
  "E39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF6955817183995497CEA956AE515D2261898FA051015728E5A8AAAC42DAD33170D04507A33" +
  "A85521ABDF1CBA64ECFB850458DBEF0A8AEA71575D060C7DB3970F85A6E1E4C7ABF5AE8CDB0933D71E8C94E04A25619DCEE3D2261AD2EE6BF12FFA06D98A0864" +
  "D87602733EC86A64521F2B18177B200CBBE117577A615D6C770988C0BAD946E208E24FA074E5AB3143DB5BFCE0FD108E4B82D120A93AD2CAFFFFFFFFFFFFFFFF";
const N = BigInt(`0x${N_HEX}`);
const G = 2n;
const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const encoder = new TextEncoder();

/** One sign-in: a secret number, and what of it is sent. */
export class SrpExchange {
  #secret = toNumber(hexOf(crypto.getRandomValues(new Uint8Array(128))));
  #public = power(G, this.#secret);

  /** What is sent first, in hexadecimal: `SRP_A`. */
  get sent() {
    return this.#public.toString(16);
  }

  /**
   * The answer to Cognito's challenge `PASSWORD_VERIFIER`. Throws where the server's number is none that an honest server sends.
   *
   * @param {string} poolId `eu-west-1_AbCdEfGhI`
   * @param {string} password
   * @param {Record<string, string>} challenge `SRP_B`, `SALT`, `SECRET_BLOCK`, `USER_ID_FOR_SRP`
   * @returns {Promise<Record<string, string>>}
   */
  async answer(poolId, password, challenge) {
    const theirs = toNumber(challenge.SRP_B);
    if (theirs % N === 0n) throw new Error("the user pool answered with a number that proves nothing");
    const pool = poolId.slice(poolId.indexOf("_") + 1);
    const user = challenge.USER_ID_FOR_SRP;
    const u = toNumber(await sha256(bytesOf(padded(this.#public) + padded(theirs))));
    if (u === 0n) throw new Error("the user pool answered with a number that proves nothing");
    const identity = await sha256(encoder.encode(`${pool}${user}:${password}`));
    const x = toNumber(await sha256(bytesOf(padded(toNumber(challenge.SALT)) + identity)));
    const k = toNumber(await sha256(bytesOf(padded(N) + padded(G))));
    const base = (((theirs - k * power(G, x)) % N) + N) % N;
    const shared = power(base, this.#secret + u * x);
    const key = await derive(bytesOf(padded(shared)), bytesOf(padded(u)));
    const block = Uint8Array.from(atob(challenge.SECRET_BLOCK), (letter) => letter.charCodeAt(0));
    const time = timestamp(new Date());
    const message = concatenated(encoder.encode(pool), encoder.encode(user), block, encoder.encode(time));
    const signature = new Uint8Array(await crypto.subtle.sign("HMAC", await hmacKey(key), message));
    return {
      USERNAME: user,
      PASSWORD_CLAIM_SECRET_BLOCK: challenge.SECRET_BLOCK,
      PASSWORD_CLAIM_SIGNATURE: btoa(String.fromCharCode(...signature)),
      TIMESTAMP: time,
    };
  }
}

/** @param {Uint8Array<ArrayBuffer>} secret @param {Uint8Array<ArrayBuffer>} salt */
async function derive(secret, salt) {
  const key = await crypto.subtle.importKey("raw", secret, "HKDF", false, ["deriveBits"]);
  const info = encoder.encode("Caldera Derived Key");
  return new Uint8Array(await crypto.subtle.deriveBits({ name: "HKDF", hash: "SHA-256", salt, info }, key, 128));
}

/** @param {Uint8Array<ArrayBuffer>} key */
function hmacKey(key) {
  return crypto.subtle.importKey("raw", key, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
}

/** `Tue Nov 3 09:05:07 UTC 2026`: the day of the month without a zero, always in English. @param {Date} now */
export function timestamp(now) {
  const two = (/** @type {number} */ number) => String(number).padStart(2, "0");
  const time = [now.getUTCHours(), now.getUTCMinutes(), now.getUTCSeconds()].map(two).join(":");
  return `${DAYS[now.getUTCDay()]} ${MONTHS[now.getUTCMonth()]} ${now.getUTCDate()} ${time} UTC ${now.getUTCFullYear()}`;
}

/** @param {bigint} base @param {bigint} exponent */
function power(base, exponent) {
  let result = 1n;
  let square = base % N;
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * square) % N;
    square = (square * square) % N;
  }
  return result;
}

/** Hexadecimal of whole bytes whose first bit is 0, so that nobody reads the number as a negative one. @param {bigint} number */
function padded(number) {
  const hex = number.toString(16);
  const even = hex.length % 2 ? `0${hex}` : hex;
  return "89abcdef".includes(even[0]) ? `00${even}` : even;
}

/** @param {string} hex */
function toNumber(hex) {
  return BigInt(`0x${hex}`);
}

/** @param {Uint8Array} bytes */
function hexOf(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** @param {string} hex @returns {Uint8Array<ArrayBuffer>} */
function bytesOf(hex) {
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

/** @param {Uint8Array<ArrayBuffer>} bytes */
async function sha256(bytes) {
  return hexOf(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
}

/** @param {...Uint8Array} parts @returns {Uint8Array<ArrayBuffer>} */
function concatenated(...parts) {
  const all = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
