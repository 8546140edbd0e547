// The page: what /api/stream says, as it says it, and the curves of /api/history and /api/polls. Names of devices and all that they say
// are set as text, never as markup. What nobody measured is a dash, never 0.

const $ = id => document.getElementById(id);
const drawn = new Set(['svg', 'path', 'rect', 'line']);
const dash = '–';

function make(tag, attributes = {}, ...children) {
  const node = drawn.has(tag) ? document.createElementNS('http://www.w3.org/2000/svg', tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

/// Only what differs: a screen reader would hear it again otherwise, and a selection would be lost.
function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
  node.hidden = text === '';
}

function become(node, attribute, value) {
  if (node.getAttribute(attribute) !== String(value)) node.setAttribute(attribute, value);
}

/// The children of `parent` for `items`, in order: made once, updated from then on, so that focus and what was opened stay.
function list(parent, items, keyOf, create, update) {
  const keys = new Set(items.map(keyOf));
  // First, for a node that has to be moved loses its focus.
  for (const node of [...parent.children]) if (!keys.has(node.key)) node.remove();
  const old = new Map([...parent.children].map(child => [child.key, child]));
  const kept = new Set();
  let place = parent.firstElementChild;
  for (const item of items) {
    const key = keyOf(item);
    const node = old.get(key) ?? create(item);
    node.key = key;
    old.delete(key);
    kept.add(node);
    update(node, item);
    if (node === place) place = place.nextElementSibling;
    else parent.insertBefore(node, place);
  }
  for (const node of [...parent.children]) if (!kept.has(node)) node.remove();
}

// Words and numbers

const plain = new Intl.NumberFormat(undefined, { maximumFractionDigits: 6, useGrouping: false });
const moment = new Intl.DateTimeFormat(undefined, { dateStyle: 'short', timeStyle: 'medium' });
const short = new Intl.DateTimeFormat(undefined, { timeStyle: 'short' });
const day = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' });
const month = new Intl.DateTimeFormat(undefined, { month: 'short', year: 'numeric' });

const measured = (value, unit) => value == null ? dash : `${typeof value === 'number' ? plain.format(value) : value}${unit ? ` ${unit}` : ''}`;
const rounded = (value, digits = 1) => value == null ? null : Math.round(value * 10 ** digits) / 10 ** digits;
const titled = key => (key[0].toUpperCase() + key.slice(1)).replaceAll('_', ' ').replace(/ soc\b/, ' SOC').replace(/ id\b/, ' ID');
const share = value => value == null ? dash : `${plain.format(rounded(value * 100))} %`;
const seconds = ms => ms == null ? dash : `${plain.format(rounded(ms / 1000, 2))} s`;
const when = text => moment.format(new Date(text));

function span(age) {
  if (age < 120) return `${Math.floor(age)} s`;
  if (age < 7200) return `${Math.floor(age / 60)} min`;
  return age < 172800 ? `${Math.floor(age / 3600)} h` : `${Math.floor(age / 86400)} d`;
}

// Time: ages count on from when they came, by whichever clock has gone further, since one stops while a phone sleeps.

const now = () => ({ steady: performance.now(), wall: Date.now() });
const since = then => Math.max(performance.now() - then.steady, Date.now() - then.wall, 0) / 1000;

let fleet = null;
let came = now();
let heard = null;

/// How it stands with the stream: 'connecting' at first, 'live', 'lost', and 'paused' while nobody looks.
let link = 'connecting';
/// What BluPow itself said where it would not be listened to.
let refusal = '';

const ageOf = device => device.age_s == null ? null : device.age_s + since(came);

/// What a device's readings are worth: a class, a word, a shape.
function condition(device) {
  if (device.isForgotten) return 'forgotten';
  if (!device.available) return device.read_at == null && device.age_s == null ? 'never' : 'gone';
  return { connected: 'connected', offline: 'offline', disconnected: 'stale' }[device.status] ?? 'gone';
}
const words = { connected: 'connected', offline: 'offline', stale: 'disconnected, stale', gone: 'unavailable', never: 'never read', forgotten: 'not known any more' };
const shapes = {
  connected: 'M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1z', offline: 'M8 2 15 14H1z', stale: 'M2 2h12v12H2z',
  forgotten: 'M2 6.5h12v3H2z', gone: 'M3 1 8 6l5-5 2 2-5 5 5 5-2 2-5-5-5 5-2-2 5-5-5-5z', never: 'M2 6.5h12v3H2z',
};

const wordOf = device => `${link === 'live' || device.isForgotten ? '' : 'was '}${words[condition(device)]}`;

function ageText(device) {
  const age = ageOf(device);
  if (age != null) return `${condition(device) === 'connected' ? '' : 'last '}read ${span(age)} ago`;
  return device.read_at ? `last read ${when(device.read_at)}` : '';
}

// The flow of power (what is summed, and from where, is said)

const number = (device, key) => typeof device.readings[key]?.value === 'number' ? device.readings[key].value : null;
const product = (device, a, b) => {
  const [x, y] = [number(device, a), number(device, b)];
  return x == null || y == null ? null : Math.round(x * y);
};
const power = device => number(device, 'battery_power') ?? product(device, 'battery_voltage', 'battery_current');
const charge = device => number(device, 'battery_soc') ?? number(device, 'battery_percentage');
const flows = [
  { id: 'solar', title: 'Solar', unit: 'W', of: ['controller', 'dcdc', 'inverter'], read: d => number(d, 'solar_power'), keys: ['solar_power', 'solar_voltage', 'solar_current'] },
  { id: 'grid', title: 'Grid', unit: 'VA', of: ['inverter'], read: d => product(d, 'input_voltage', 'input_current'), keys: ['input_voltage', 'input_current'], computed: true },
  { id: 'alternator', title: 'Alternator', unit: 'W', of: ['dcdc'], read: d => number(d, 'alternator_power'), keys: ['alternator_power'] },
  { id: 'load', title: 'Load', unit: 'W', of: ['controller', 'inverter'], read: d => number(d, 'load_power') ?? number(d, 'load_active_power'), keys: ['load_power', 'load_active_power'] },
];
const powerKeys = ['battery_power', 'battery_voltage', 'battery_current'];
const chargeKeys = ['battery_soc', 'battery_percentage', 'remaining_capacity', 'capacity'];

/// The sum over the devices that say it, and which of those that could do not, and why.
///
/// `keys`: what it is read or computed from.
function gathered(devices, value, keys) {
  const sources = devices.filter(device => value(device) != null);
  const why = device => !device.available ? words[condition(device)] : device.implausible.some(key => keys.includes(key)) ? 'not believable'
    : device.raw_sign.some(key => keys.includes(key)) ? 'direction not known' : 'no value';
  return {
    sources, missing: devices.filter(device => value(device) == null).map(device => `${device.name} (${why(device)})`).join(', '),
    value: sources.length ? rounded(sources.reduce((sum, device) => sum + value(device), 0)) : null,
  };
}

/// Nothing simulated is added to what was measured, nor shown in its place.
function shown() {
  const real = fleet.devices.filter(device => !device.test_mode);
  return real.length ? real : fleet.devices;
}

/// The first kind of device that measures the bank and says so: adding a controller's to a shunt's would count it twice.
function meter(kinds, value, keys) {
  const tiers = kinds.map(kind => shown().filter(device => device.profile === kind));
  const place = tiers.findIndex(tier => tier.some(device => value(device) != null));
  // Whom it would rather ask is missed, too.
  return gathered(place < 0 ? tiers.find(tier => tier.length) ?? [] : tiers.slice(0, place + 1).flat(), value, keys);
}

function nodes() {
  const found = flows.map(flow => ({ ...flow, devices: shown().filter(device => flow.of.includes(device.profile)) }))
    .filter(flow => flow.devices.length)
    .map(flow => ({ ...flow, ...gathered(flow.devices, flow.read, flow.keys) }))
    .map(flow => ({ ...flow, text: measured(flow.value, flow.unit), way: flow.value == null ? 'unknown' : flow.value > 0 ? 'flows' : '',
      lacks: flow.missing && `without ${flow.missing}` }));
  const isOfRegister = device => device.raw_sign.some(key => powerKeys.includes(key));
  const bankOf = value => meter(['shunt300', 'battery', 'controller'], value, powerKeys);
  let bank = bankOf(power);
  // A power whose direction is not known is added to none but those of its like.
  const raw = bank.sources.filter(isOfRegister);
  if (raw.length && (raw.length < bank.sources.length || new Set(raw.map(device => device.model)).size > 1)) bank = bankOf(device => isOfRegister(device) ? null : power(device));
  const level = meter(['shunt300', 'battery', 'controller', 'dcdc', 'inverter'], charge, chargeKeys);
  const levels = level.sources.map(charge);
  const isRaw = bank.sources.some(isOfRegister);
  const direction = bank.value == null ? null : isRaw ? 'direction not known' : bank.value > 0 ? 'charging' : bank.value < 0 ? 'discharging' : 'at rest';
  found.unshift({
    id: 'battery', title: 'Battery', unit: 'W', value: bank.value, sources: [...new Set([...bank.sources, ...level.sources])],
    lacks: bank.missing === level.missing ? bank.missing && `without ${bank.missing}`
      : [bank.missing && `power without ${bank.missing}`, level.missing && `charge without ${level.missing}`].filter(Boolean).join('; '),
    text: measured(bank.value == null ? null : isRaw ? bank.value : Math.abs(bank.value), 'W'), direction,
    way: bank.value == null || isRaw ? 'unknown' : bank.value === 0 ? '' : bank.value > 0 ? 'flows' : 'flows up',
    lowest: levels.length ? Math.min(...levels) : null, highest: levels.length ? Math.max(...levels) : null,
    computed: bank.sources.some(device => number(device, 'battery_power') == null || device.derived.includes('battery_power')),
  });
  return found;
}

function makeNode(node) {
  const wire = make('svg', { class: 'wire', viewBox: '0 0 24 40', 'aria-hidden': 'true' },
    make('path', { class: 'run', d: 'M12 0V36' }), make('path', { class: 'head', d: 'M5 28l7 9 7-9' }));
  const parts = { wire, box: make('div', { class: 'node' }), value: make('p', { class: 'value' }), direction: make('p'), note: make('p', { class: 'quiet' }),
    age: make('p'), badge: make('p', {}, make('span', { class: 'badge test' }, 'SIMULATED')) };
  parts.box.append(make('h3', {}, node.title));
  if (node.id === 'battery') {
    parts.soc = make('p', { class: 'soc' });
    parts.level = make('rect', { class: 'level', x: 3, y: 3, width: 0, height: 14 });
    parts.box.append(parts.soc, make('svg', { class: 'cell', viewBox: '0 0 64 20', 'aria-hidden': 'true' },
      make('rect', { x: 1, y: 1, width: 58, height: 18, rx: 3, 'stroke-width': 2 }), make('path', { d: 'M61 6v8', 'stroke-width': 3 }), parts.level));
  }
  parts.box.append(parts.value, parts.direction, parts.badge, parts.age, parts.note);
  const item = make('li', { id: `flow-${node.id}` }, parts.box, wire);
  item.parts = parts;
  return item;
}

function showNode(item, node) {
  const { parts } = item;
  say(parts.value, node.text);
  say(parts.direction, node.direction ?? '');
  if (parts.soc) {
    const range = node.lowest === node.highest ? measured(node.lowest, '%') : `${plain.format(node.lowest)} to ${measured(node.highest, '%')}`;
    say(parts.soc, range);
    become(parts.level, 'width', 54 * Math.max(0, Math.min(100, node.lowest ?? 0)) / 100);
  }
  become(parts.wire, 'class', `wire ${node.way}`);
  const by = node.sources.length ? `${node.computed ? 'computed, ' : ''}by ${node.sources.map(device => device.name).join(', ')}` : 'not known';
  say(parts.note, [by, node.lacks].filter(Boolean).join('; '));
  parts.badge.hidden = !node.sources.some(device => device.test_mode);
  const oldest = node.sources.filter(device => link !== 'live' || condition(device) !== 'connected').sort((a, b) => b.age_s - a.age_s)[0];
  say(parts.age, oldest ? ageText(oldest) : '');
  become(parts.box, 'class', oldest || !node.sources.length ? 'node old' : 'node');
}

// Devices and their links

const first = ['battery_soc', 'battery_percentage', 'battery_voltage', 'battery_current', 'charging_current', 'battery_power', 'solar_power',
  'alternator_power', 'load_power', 'load_active_power', 'charging_status', 'input_voltage', 'output_voltage', 'remaining_capacity', 'temperature',
  'battery_temperature', 'controller_temperature'];
const rank = key => first.includes(key) ? first.indexOf(key) : first.length;
const byRank = (a, b) => rank(a) - rank(b) || a.localeCompare(b, undefined, { numeric: true });
const identity = device => `${device.address} ${device.unit} ${device.name}`;

/// Rows of terms and values, each `[term, value, remark]`.
function rows(parent, items) {
  list(parent, items, ([term]) => term, () => make('div', {}, make('dt'), make('dd', {}, '', make('small'))), (row, [term, value, remark]) => {
    say(row.firstChild, term);
    const [text, small] = row.lastChild.childNodes;
    if (text.data !== value) text.data = value;
    say(small, remark ?? '');
  });
}

const remarks = (isDerived, isRawSign) => [isDerived && 'computed', isRawSign && 'sign as the device has it'].filter(Boolean);

function readingsOf(device) {
  const keys = [...new Set([...Object.keys(device.readings), ...device.implausible])].sort(byRank);
  return keys.map(key => {
    const reading = device.readings[key];
    const remark = reading ? remarks(device.derived.includes(key), device.raw_sign.includes(key)).join(', ') : 'not believable';
    return [titled(key), measured(reading?.value, reading?.unit), remark];
  });
}

function makeCard(device) {
  const parts = { name: make('h3'), status: make('p', { class: 'status' }), mark: make('path'), word: make('span'), state: make('span'), age: make('span', { class: 'age' }),
    badge: make('span', { class: 'badge test' }, 'SIMULATED'), what: make('p', { class: 'quiet' }), failure: make('p', { class: 'failure' }),
    top: make('dl'), rest: make('dl'), more: make('details', {}, make('summary')) };
  parts.state.append(make('svg', { class: 'mark', viewBox: '0 0 16 16', 'aria-hidden': 'true' }, parts.mark), parts.word);
  parts.status.append(parts.state, parts.age, parts.badge);
  parts.more.append(parts.rest);
  const card = make('article', { class: 'card' }, parts.name, parts.status, parts.what, parts.failure, parts.top, parts.more);
  card.parts = parts;
  return card;
}

const told = failure => failure ? `${failure.class.replaceAll('_', ' ')} at ${failure.stage.replaceAll('_', ' ')}: ${failure.message} ${failure.advice}` : '';

function showCard(card, device) {
  const { parts } = card;
  const state = condition(device);
  say(parts.name, device.name);
  become(card, 'aria-label', device.name);
  become(card, 'class', state === 'connected' ? 'card' : 'card old');
  become(parts.state, 'class', `word ${state}`);
  become(parts.mark, 'd', shapes[state]);
  say(parts.word, wordOf(device));
  say(parts.age, ageText(device));
  parts.badge.hidden = !device.test_mode;
  say(parts.what, [device.model, device.profile, device.unit == null ? device.address : `${device.address} unit ${device.unit}`].filter(Boolean).join(' · '));
  say(parts.failure, told(device.failure));
  const readings = readingsOf(device);
  rows(parts.top, readings.slice(0, 6));
  rows(parts.rest, readings.slice(6));
  parts.more.hidden = readings.length <= 6;
  say(parts.more.firstChild, `${readings.length - 6} more`);
}

function makeLink(device) {
  const parts = { name: make('h3'), badge: make('p', {}, make('span', { class: 'badge test' }, 'SIMULATED')), measures: make('dl'), polls: make('div'), classes: make('p', { class: 'failure' }) };
  const card = make('article', { class: 'card' }, parts.name, parts.badge, parts.measures, parts.polls, parts.classes);
  card.parts = parts;
  say(parts.classes, '');
  return card;
}

function showLink(card, device) {
  say(card.parts.name, device.name);
  become(card, 'aria-label', `Link of ${device.name}`);
  card.parts.badge.hidden = !device.test_mode;
  rows(card.parts.measures, [
    ['Success rate', share(device.success_rate), 'last 100 polls'], ['Available', share(device.availability), 'last 24 h'],
    ['Freshness', wordOf(device), ageText(device)],
    ['Failures in a row', plain.format(device.consecutive_failures)],
    ['Connect', seconds(device.connect_ms), device.connect_ms_mean == null ? '' : `mean ${seconds(device.connect_ms_mean)}`], ['Whole poll', seconds(device.poll_ms)],
    ['Deadline now', `${plain.format(device.deadline_s)} s`, device.interval_s == null ? '' : `a poll every ${plain.format(device.interval_s)} s`],
    ['Carried by', { kernel: 'the kernel', bluez: 'bluetoothd' }[device.link] ?? dash, device.rssi == null ? '' : `signal ${measured(device.rssi, 'dBm')}`],
  ]);
}

// All of it

function show() {
  if (!fleet) return;
  say($('gateway'), fleet.gateway);
  document.title = `${fleet.problems.length ? `(${fleet.problems.length}) ` : ''}BluPow ${fleet.gateway}`;
  const tests = fleet.devices.filter(device => device.test_mode);
  say($('simulated'), tests.length === 0 ? '' : tests.length === fleet.devices.length ? 'SIMULATED: nothing here was measured.'
    : `SIMULATED: nothing was measured of ${tests.map(device => device.name).join(', ')}.`);
  $('problems-section').hidden = fleet.problems.length === 0;
  list($('problems'), fleet.problems, problem => `${problem.name} ${problem.address} ${problem.adapter}`,
    () => make('li', {}, make('strong'), make('p'), make('p', { class: 'quiet' })), (item, problem) => {
      const [message, advice, since] = item.children;
      const device = fleet.devices.filter(device => device.address === problem.address).map(device => device.name).join(', ');
      say(message, `${device || problem.adapter || 'BluPow'}: ${problem.message}`);
      say(advice, problem.advice);
      say(since, problem.since ? `since ${when(problem.since)}` : '');
    });
  const isUser = node => node.id === 'battery' || node.id === 'load';
  const all = nodes();
  list($('sources'), all.filter(node => !isUser(node)), node => node.id, makeNode, showNode);
  list($('users'), all.filter(isUser), node => node.id, makeNode, showNode);
  list($('devices'), fleet.devices, identity, makeCard, showCard);
  list($('links'), fleet.devices, identity, makeLink, showLink);
  list($('curves-of'), [{ name: 'the flow of power', key: '' }, ...fleet.devices.map(device => ({ name: device.name, key: identity(device) }))], choice => choice.key,
    choice => make('option', { value: choice.key }), (option, choice) => say(option, choice.name));
  say($('about'), `BluPow ${fleet.version} · gateway ${fleet.gateway} · ${link === 'live' ? `up ${span(fleet.uptime_s + since(came))}` : `was up ${span(fleet.uptime_s)}`} · polls begin up to ${measured(fleet.lag_p99_ms, 'ms')} late`);
}

/// After ten minutes without a word nobody knows what a reading of then is worth.
function forget() {
  if (link === 'live' || !fleet || since(came) <= 600) return;
  for (const device of fleet.devices) {
    if (device.available) Object.assign(device, { available: false, isForgotten: true, readings: {}, implausible: [], derived: [], raw_sign: [] });
  }
}

/// Once a second: what is old gets older, whether or not anybody says so.
function tick() {
  if (isAway() && link !== 'paused') rest();
  if (!document.hidden) seen = now();
  forget();
  const last = heard && moment.format(heard);
  say($('lost'), link !== 'lost' ? '' : [refusal ? `Not live: ${refusal}` : `No word from BluPow ${last ? `since ${last}` : 'yet'}.`,
    fleet ? `What stands here is from ${refusal ? last : 'then'}; trying again.` : 'Trying again.'].join(' '));
  say($('stream'), { connecting: 'Connecting …', live: 'live', lost: 'not live', paused: `not live: paused while nobody looked${last ? `, last word ${last}` : ''}` }[link]);
  document.body.classList.toggle('not-live', link === 'lost' || link === 'paused');
  show();
}

// The stream. Not EventSource, because it does not tell of the heartbeat, nor of a connection that has died in silence.

const silence = 40_000;
let stop = new AbortController();

// A tab that nobody looks at lets it go: a browser has six connections to a host, for all its tabs. A machine that slept is known by
// its clock alone.
const patience = 30;
let seen = now();
const isAway = () => since(seen) > patience;

function rest() {
  link = 'paused';
  stop.abort(rest);
}

class Refusal extends Error {}

async function follow() {
  const mine = stop = new AbortController();
  const listen = async promise => {
    const timer = setTimeout(() => mine.abort(), silence);
    try { return await promise; } finally { clearTimeout(timer); }
  };
  const answer = await listen(fetch('api/stream', { signal: mine.signal, cache: 'no-store' }));
  // The page itself asks for the token.
  if (answer.status === 401) location.reload();
  if (!answer.ok) throw new Refusal(await reason(answer));
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let text = '';;) {
    const { done, value } = await listen(reader.read());
    if (done) return;
    heard = new Date();
    const events = (text + value).split('\n\n');
    text = events.pop();
    for (const event of events) take(event.split('\n'));
  }
}

function take(lines) {
  if (!lines.includes('event: status')) return;
  const isFirst = !fleet;
  const before = fleet?.devices.map(identity).join();
  const told = JSON.parse(lines.filter(line => line.startsWith('data:')).map(line => line.slice(5)).join('\n'));
  if (!Array.isArray(told.devices)) return;
  fleet = told;
  for (const device of fleet.devices) {
    const keys = known.get(identity(device)) ?? new Set();
    for (const key of Object.keys(device.readings)) if (isDrawn(device, key)) keys.add(key);
    known.set(identity(device), keys);
  }
  came = now();
  link = 'live';
  // A demonstration is young.
  if (isFirst && fleet.devices.every(device => device.test_mode)) document.querySelector('input[value=hour]').checked = true;
  tick();
  // Other devices have other curves.
  refresh(!isFirst && before !== fleet.devices.map(identity).join());
}

async function keepFollowing() {
  for (let pause = 1000;;) {
    const before = heard;
    const end = await follow().catch(error => error);
    const mayRest = stop.signal.reason === rest || document.hidden || isAway();
    link = mayRest ? 'paused' : 'lost';
    refusal = end instanceof Refusal ? end.message : '';
    tick();
    pause = mayRest || heard !== before ? 1000 : Math.min(pause * 2, 15_000);
    if (mayRest && !document.hidden) continue;
    await new Promise(go => {
      wake = go;
      if (!mayRest) setTimeout(go, pause);
    });
  }
}
let wake = () => {};
addEventListener('online', () => wake());

const reason = async answer => (await answer.json().catch(() => null))?.error ?? `HTTP ${answer.status}`;
async function ask(path, query = {}, stop = new AbortController()) {
  const timer = setTimeout(() => stop.abort(new Error('BluPow did not answer within 30 s.')), 30_000);
  try {
    const answer = await fetch(`api/${path}?${new URLSearchParams(query)}`, { cache: 'no-store', signal: stop.signal });
    if (!answer.ok) throw new Error(await reason(answer));
    return await answer.json();
  } finally {
    clearTimeout(timer);
  }
}

// Curves

const spans = { hour: { since: '1h', points: 240 }, day: { since: '24h', points: 288 }, month: { since: '30d', points: 240 },
  year: { since: '365d', points: 240 } };
const lasts = { hour: 'the last hour', day: 'the last day', month: 'the last month', year: 'the last year' };
/// Seconds until they are asked for again: until a curve may look different.
const pauses = { hour: 20, day: 60, month: 300, year: 300 };
const chosenSpan = () => new FormData($('curves-choice')).get('span');
const unitsDrawn = ['V', 'A', 'W', 'VA', '%', '°C', 'Hz', 'Ah'];

const isDrawn = (device, key) => number(device, key) != null && unitsDrawn.includes(device.readings[key].unit) && !/^cell_voltage_\d/.test(key);
const mostKeys = 24;
const keysOfFlow = ['battery_soc', 'battery_percentage', 'battery_power', 'solar_power', 'alternator_power', 'load_power', 'load_active_power'];

/// By device, the keys that it has said since this page was opened: one that is away has a past all the same.
const known = new Map();

/// Device and keys of the curves that are asked for. Of a device that has said nothing yet, those that it may have said before.
function wanted() {
  const keysOf = device => known.get(identity(device)) ?? new Set();
  const one = fleet.devices.find(device => identity(device) === $('curves-of').value);
  if (one) {
    const keys = [...keysOf(one)];
    return [[one, keys.length ? keys.sort(byRank).slice(0, mostKeys) : keysOfFlow]];
  }
  return fleet.devices.map(device => [device, keysOf(device).size ? keysOfFlow.filter(key => keysOf(device).has(key)) : keysOfFlow])
    .filter(([, keys]) => keys.length);
}

let asked = { at: now(), pause: 0, isBusy: false };
/// When all that is chosen was drawn.
let drawnAt = null;
/// Rounds of questions about the past that failed, one after the other.
let failures = 0;

/// Events now and then, curves and outcomes when chosen anew and less often, while something happens.
async function refresh(isChosen) {
  if (!fleet || (!isChosen && (document.hidden || asked.isBusy || since(asked.at) < asked.pause))) return;
  asked.stop?.abort();
  const mine = asked = { at: now(), pause: 20, isBusy: true, stop: new AbortController() };
  const over = chosenSpan();
  if (isChosen) [drawnAt, failures] = [null, 0];
  if (!drawnAt || since(drawnAt) >= pauses[over]) await drawPast(over, mine, isChosen);
  if (asked !== mine) return;
  await ask('events').then(showEvents, error => say($('events-note'), `No newer events: ${error.message}`));
  mine.isBusy = false;
}

async function drawPast(over, mine, isChosen) {
  const note = $('curves-note');
  let what = 'curves';
  if (isChosen) say(note, 'Loading …');
  try {
    // BluPow goes on with a question that nobody waits for any more: who runs through the choices asks for the last one only.
    if (isChosen) await new Promise(go => setTimeout(go, 250));
    if (asked !== mine) return;
    // One after the other: the host has more to do.
    const curves = [];
    for (const [device, keys] of wanted()) {
      const answer = await ask('history', { device: device.name, keys, ...spans[over] }, mine.stop);
      if (asked !== mine) return;
      curves.push(...answer.curves.map(curve => ({ ...answer, ...curve, over })));
    }
    list($('curves'), curves, curve => `${curve.device} ${curve.key} ${curve.unit} ${curve.derived} ${curve.raw_sign}`, makeCurve, showCurve);
    const cut = (known.get($('curves-of').value)?.size ?? 0) - mostKeys;
    say(note, !curves.length ? `Nothing is written of ${lasts[over]} yet.` : cut > 0 ? `The first ${mostKeys}; ${cut} more are in /api/history.` : '');
    what = 'polls';
    for (const device of fleet.devices) {
      const answer = await ask('polls', { device: device.name, ...spans[over], points: 48 }, mine.stop);
      if (asked !== mine) return;
      showPolls([...$('links').children].find(card => card.key === identity(device)), { ...answer, over });
    }
    failures = 0;
    if (curves.length) drawnAt = now();
    else if (fleet.uptime_s + since(came) < 600) mine.pause = 5;
  } catch (error) {
    if (asked !== mine) return;
    // Others may have been asking, or it lasts.
    mine.pause = Math.min(60, 2 ** ++failures);
    say(note, `No ${what}: ${error.message}`);
    // Those that were chosen before would be taken for these.
    if (!isChosen) return;
    if (what === 'curves') $('curves').replaceChildren();
    for (const card of $('links').children) if (card.over !== over) forgetPolls(card);
  }
}

const inTime = (over, time) => ({ month: day, year: month }[over] ?? short).format(new Date(time));
const place = (curve, time) => 1000 * (new Date(time) - new Date(curve.from)) / (new Date(curve.to) - new Date(curve.from));
const pointText = (curve, point) => `${moment.format(new Date(point.at))}: ${measured(rounded(point.mean, 3), curve.unit)}`
  + (point.min === point.max ? '' : ` (${plain.format(point.min)} to ${plain.format(point.max)})`);

const closest = (places, place) => places.reduce((best, at, index) => Math.abs(at - place) < Math.abs(places[best] - place) ? index : best, 0);

/// A figure with a plot that takes the arrow keys, and all its numbers as a table.
function makePlot(kind) {
  const parts = { caption: make('figcaption'), plot: make('div', { class: 'plot', role: 'slider', tabindex: 0, 'aria-valuemin': 0 }), scale: make('div', { class: 'scale', 'aria-hidden': 'true' }),
    svg: make('svg', { viewBox: '0 0 1000 100', preserveAspectRatio: 'none', 'aria-hidden': 'true' }), axis: make('div', { class: 'axis', 'aria-hidden': 'true' }),
    readout: make('p', { class: 'readout', 'aria-hidden': 'true' }), table: make('div', { class: 'table', tabindex: 0, role: 'region' }), details: make('details', {}, make('summary', {}, 'As a table')),
    cursor: make('line', { class: 'cursor', y1: 0, y2: 100, x1: -9, x2: -9 }) };
  parts.plot.append(parts.scale, parts.svg, make('span'), parts.axis);
  parts.details.append(parts.table);
  const figure = make('figure', { class: kind }, parts.caption, parts.plot, parts.readout, parts.details);
  Object.assign(figure, { parts, at: null, moment: null });
  const move = index => {
    figure.at = Math.max(0, Math.min(figure.texts.length - 1, index));
    figure.moment = figure.times[figure.at];
    point(figure);
  };
  const nearest = event => {
    const box = parts.svg.getBoundingClientRect();
    move(closest(figure.places, 1000 * (event.clientX - box.left) / box.width));
  };
  parts.plot.addEventListener('keydown', event => {
    const step = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -12, PageUp: 12, Home: -Infinity, End: Infinity }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    move((figure.at ?? figure.texts.length - 1) + step);
  });
  // A finger that taps does not move.
  for (const kind of ['pointerdown', 'pointermove']) parts.svg.addEventListener(kind, nearest);
  parts.details.addEventListener('toggle', () => fillTable(figure));
  return figure;
}

/// Where the cursor is, in words; at first the last point.
function point(figure) {
  const index = Math.min(figure.at ?? Infinity, figure.texts.length - 1);
  become(figure.parts.plot, 'aria-valuemax', figure.texts.length - 1);
  become(figure.parts.plot, 'aria-valuenow', index);
  become(figure.parts.plot, 'aria-valuetext', figure.texts[index]);
  say(figure.parts.readout, figure.texts[index]);
  for (const end of ['x1', 'x2']) become(figure.parts.cursor, end, figure.at == null ? -9 : figure.places[index]);
}

function fillTable(figure) {
  if (!figure.parts.details.open) return;
  const row = (cell, values) => make('tr', {}, ...values.map((value, index) => make(index === 0 ? 'th' : cell, { ...(index === 0 || cell === 'th' ? { scope: cell === 'td' ? 'row' : 'col' } : {}) }, value)));
  figure.parts.table.replaceChildren(make('table', {}, make('caption', {}, figure.title), make('thead', {}, row('th', figure.columns)),
    make('tbody', {}, ...figure.rows().map(values => row('td', values)))));
}

function frame(figure, answer, title, labels, shapes) {
  const { parts } = figure;
  figure.title = title;
  become(parts.plot, 'aria-label', title);
  become(parts.table, 'aria-label', title);
  const half = (Date.parse(answer.from) + Date.parse(answer.to)) / 2;
  parts.scale.replaceChildren(...labels.map(label => make('span', {}, label)));
  parts.axis.replaceChildren(...[answer.from, half, answer.to].map(time => make('span', {}, inTime(answer.over, time))));
  // What was pointed at is a moment, whichever points there are now.
  const isThere = figure.moment != null && figure.moment >= Date.parse(answer.from) && figure.moment <= Date.parse(answer.to);
  figure.at = isThere ? closest(figure.times, figure.moment) : null;
  parts.svg.replaceChildren(...[50, 100].map(y => make('line', { class: 'rule', x1: 0, x2: 1000, y1: y, y2: y })), make('line', { class: 'rule', x1: 500, x2: 500, y1: 0, y2: 100 }), ...shapes, parts.cursor);
  point(figure);
  fillTable(figure);
}

const makeCurve = () => makePlot('card curve');

function showCurve(figure, curve) {
  const { points } = curve;
  const [low, high] = [Math.min(...points.map(point => point.min)), Math.max(...points.map(point => point.max))];
  const room = (high - low || Math.abs(high) * .1 || 1) * .1;
  const [bottom, top] = [low >= 0 ? Math.max(0, low - room) : low - room, curve.unit === '%' && high <= 100 ? Math.min(100, high + room) : high + room];
  const x = point => place(curve, point.at).toFixed(1);
  const y = value => (100 - 100 * (value - bottom) / (top - bottom)).toFixed(1);
  // A span in which nothing was read ends a run, unless polls are rarer than spans: no line leads over what was missed.
  const runs = [];
  const spanOf = point => Math.floor((Date.parse(point.at) - Date.parse(curve.from)) / Math.round(curve.width_s * 1000));
  for (const [index, point] of points.entries()) {
    const before = points[index - 1];
    if (before && (spanOf(point) - spanOf(before) <= 1 || Date.parse(point.at) - Date.parse(before.at) <= curve.gap_s * 1000)) runs.at(-1).push(point);
    else runs.push([point]);
  }
  const line = (run, value) => run.map(point => `${x(point)} ${y(value(point))}`).join('L');
  const band = run => `M${line(run, point => point.max)}L${line([...run].reverse(), point => point.min)}z`;
  // A run of one point is a dot.
  const mean = run => `M${line(run, point => point.mean)}${run.length === 1 ? 'h.1' : ''}`;
  figure.places = points.map(point => place(curve, point.at));
  figure.times = points.map(point => Date.parse(point.at));
  figure.texts = points.map(point => pointText(curve, point));
  figure.columns = ['Time', 'Lowest', 'Mean', 'Highest', 'Readings'];
  figure.rows = () => [...points].reverse().map(point => [when(point.at), ...[point.min, rounded(point.mean, 3), point.max, point.count].map(value => plain.format(value))]);
  const how = remarks(curve.derived, curve.raw_sign);
  say(figure.parts.caption, [titled(curve.key), curve.device, ...how, ...(curve.test_mode ? ['SIMULATED'] : [])].join(' · '));
  const digits = Math.max(0, Math.min(3, 1 - Math.floor(Math.log10(top - bottom))));
  const label = value => plain.format(rounded(value, digits));
  frame(figure, curve, [`${titled(curve.key)} of ${curve.device}${curve.unit ? ` in ${curve.unit}` : ''}`, ...how, lasts[curve.over]].join(', '),
    [`${label(top)} ${curve.unit ?? ''}`, label((top + bottom) / 2), label(bottom)],
    runs.flatMap(run => [make('path', { class: 'band', d: band(run) }), make('path', { class: run.length === 1 ? 'mean dot' : 'mean', d: mean(run) })]));
}

function forgetPolls(card) {
  say(card.parts.classes, '');
  card.parts.polls.replaceChildren();
}

/// Good polls stand on the line, failed ones hang below it.
function showPolls(card, answer) {
  if (!card) return;
  card.over = answer.over;
  const { polls } = answer;
  const classes = {};
  for (const poll of polls) for (const [name, count] of Object.entries(poll.failed)) classes[name] = (classes[name] ?? 0) + count;
  const listed = Object.entries(classes).sort((a, b) => b[1] - a[1]).map(([name, count]) => `${name.replaceAll('_', ' ')} ${count}`);
  say(card.parts.classes, listed.length ? `Failures in ${lasts[answer.over]}: ${listed.join(', ')}` : '');
  if (!polls.length) return card.parts.polls.replaceChildren();
  if (!card.parts.polls.firstChild) card.parts.polls.append(makePlot('outcomes'));
  const figure = card.parts.polls.firstChild;
  const bad = poll => Object.values(poll.failed).reduce((sum, count) => sum + count, 0);
  const most = Math.max(...polls.map(poll => Math.max(poll.good, bad(poll))));
  const width = Math.max(4, 900 * answer.width_s * 1000 / (Date.parse(answer.to) - Date.parse(answer.from)));
  const bar = (poll, name, count, y) => make('rect', { class: name, x: place(answer, poll.at).toFixed(1), width: width.toFixed(1), y: y.toFixed(1), height: (50 * count / most).toFixed(1) });
  figure.places = polls.map(poll => place(answer, poll.at) + width / 2);
  figure.times = polls.map(poll => Date.parse(poll.at));
  figure.texts = polls.map(poll => `${when(poll.at)}: ${poll.good} read, ${bad(poll)} failed; connect ${seconds(poll.connect_ms_mean)}, poll ${seconds(poll.poll_ms_mean)}`);
  figure.columns = ['Time', 'Read', 'Failed', 'Connect', 'Poll', 'Deadline'];
  figure.rows = () => [...polls].reverse().map(poll => [when(poll.at), `${poll.good}`, `${bad(poll)}`, seconds(poll.connect_ms_mean), seconds(poll.poll_ms_mean), `${plain.format(poll.deadline_s)} s`]);
  const test = answer.test_mode ? ' · SIMULATED' : '';
  say(figure.parts.caption, `Polls of ${lasts[answer.over]}: read above the line, failed below${test}`);
  frame(figure, answer, `Polls of ${answer.device}, ${lasts[answer.over]}${test}`, [`${most}`, '0', `${most}`], polls.flatMap(poll => [bar(poll, 'ok', poll.good, 50 - 50 * poll.good / most), bar(poll, 'failed', bad(poll), 50)]));
}

function showEvents({ events }) {
  say($('events-note'), '');
  list($('events'), [...events].reverse(), event => `${event.at} ${event.kind} ${event.device} ${event.address} ${event.adapter} ${event.name}`,
    () => make('li', {}, make('p', { class: 'quiet' }), make('p'), make('p', { class: 'quiet' })), (item, event) => {
      const [at, message, advice] = item.children;
      become(item, 'class', ['failed', 'problem'].includes(event.kind) ? 'trouble' : ['recovered', 'settled'].includes(event.kind) ? 'settled' : '');
      say(at, `${when(event.last_at)} · ${event.kind}${event.count > 1 ? ` · ${event.count} times since ${when(event.at)}` : ''}`);
      const subject = event.kind === 'status' ? [] : [event.device ?? event.address ?? event.adapter ?? 'BluPow'];
      say(message, [...subject, ...(event.kind !== 'status' && event.name ? [event.name.replaceAll('_', ' ')] : []), event.message].join(': '));
      say(advice, event.advice ?? '');
    });
}

$('curves-choice').addEventListener('change', () => refresh(true));
$('curves-choice').addEventListener('submit', event => event.preventDefault());
document.addEventListener('visibilitychange', () => {
  tick();
  if (document.hidden) return;
  wake();
  refresh(false);
});
setInterval(tick, 1000);
keepFollowing();
