// OIDC Session Management §3.2: "client_id session_state" in, "changed", "unchanged" or "error" out.
const state = () => {
  const pairs = document.cookie.split("; ").map((pair) => pair.split("="));
  const found = pairs.find(([name]) => name === "__Host-vk_state" || name === "vk_state");
  return found ? found[1] : "";
};

const text = (bytes) =>
  btoa(String.fromCharCode(...new Uint8Array(bytes))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

const judge = async (said, origin) => {
  const [client, sent, more] = typeof said === "string" ? said.split(" ") : [];
  const [hash, salt, rest] = (sent || "").split(".");
  if (!client || !hash || !salt || more !== undefined || rest !== undefined) return "error";
  const own = `${client} ${origin} ${state()} ${salt}`;
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(own));
  return text(digest) === hash ? "unchanged" : "changed";
};

window.addEventListener("message", (event) => {
  const { source, origin, data } = event;
  // A page of no origin could not be answered without everybody hearing it.
  if (!source || !/^https?:\/\//.test(origin)) return;
  judge(data, origin).then((answer) => source.postMessage(answer, origin));
});
