-- The engine's side of exactly once: sources, leases, positions, inbox, outcomes, claims, outbox, archive.
-- A payment's id is where it arrived: source (32 bits), offset (64), index in its message (32), big-endian.

create schema if not exists engine;
grant usage on schema engine to qenex_writer, qenex_reader;

create table engine.sources (
    source_id  integer primary key generated always as identity,
    cluster_id text not null,
    topic_id   text not null,
    topic      text not null,
    partition  integer not null,
    first_seen timestamptz not null default now(),
    unique (cluster_id, topic_id, partition)
);

-- One owner a writer; the epoch fences: every commit of a writer compares it.
create table engine.leases (
    writer     text primary key,
    writer_no  smallint not null unique,
    epoch      bigint not null default 0,
    owner      text not null default '',
    expires_at timestamptz not null default '-infinity'
);

create table engine.positions (
    writer      text not null references engine.leases,
    source_id   integer not null references engine.sources,
    next_offset bigint not null,
    epoch       bigint not null,
    primary key (writer, source_id)
);

-- First decision about each attempt of each payment (of each message that holds none, under index 0).
create table engine.inbox (
    payment_id       uuid not null,
    attempt          smallint not null,
    payments         integer not null,
    digest           uuid not null,
    received_at      timestamptz not null,
    decided_at       timestamptz not null,
    routed_partition integer not null,
    routed_offset    bigint not null,
    versions         integer not null,
    amount           bigint,
    state            text not null,
    writer           text not null,
    scheme           text,
    message_type     text,
    kind             text,
    priority         text,
    sender           text,
    debit            text,
    credit           text,
    currency         text,
    value_date       text,
    reference        text,
    instruction_id   text,
    end_to_end_id    text,
    uetr             text,
    reason           text,
    explanation      text,
    primary key (payment_id, attempt)
);
comment on column engine.inbox.digest is 'first 128 bits of the SHA-256 of the message as received';
comment on column engine.inbox.payments is 'payments in the message: its outcome is known when all are decided';

-- States after the first, in order; a payment that settles at once has none.
create table engine.transitions (
    payment_id uuid not null,
    step       integer not null,
    state      text not null,
    reason     text,
    cause      text not null,
    at         timestamptz not null,
    primary key (payment_id, step)
);

-- The one terminal outcome of a payment.
create table engine.outcomes (
    payment_id    uuid primary key,
    at            timestamptz not null,
    outbox_first  bigint not null,
    outbox_count  integer not null,
    writer_no     smallint not null,
    state         text not null
        check (state in ('SETTLED', 'REJECTED', 'CANCELLED', 'BLOCKED', 'DUPLICATE', 'PARSED')),
    duplicate_of  uuid
);

-- After a crash the relay repeats the events of the last moments: found by time, without a btree on the hot path.
create index inbox_decided on engine.inbox using brin (decided_at);
create index transitions_at on engine.transitions using brin (at);
create index outcomes_at on engine.outcomes using brin (at);

-- Payments that wait, with what is needed to go on: rebuilt into memory after a failure.
create table engine.waiting (
    payment_id uuid primary key,
    writer     text not null,
    state      text not null check (state in ('QUEUED', 'WAREHOUSED', 'RESERVED', 'HELD')),
    arrival    bigint not null,
    position   bigint,
    until      date,
    envelope   bytea not null
);

create table engine.claims (
    claim      text collate "C" primary key,
    message_id uuid not null,
    digest     uuid not null,
    claimed_at timestamptz not null
);

create table engine.outbox (
    writer_no  smallint not null,
    seq        bigint not null,
    payment_id uuid not null,
    at         timestamptz not null,
    recipient  text not null,
    type       text not null,
    payload    bytea not null,
    primary key (writer_no, seq)
);
alter table engine.outbox alter column payload set storage external;

-- How far each relay has published for certain, and when that was so.
create table engine.relays (
    writer_no     smallint primary key,
    published_seq bigint not null,
    at            timestamptz not null default now()
);

-- What arrived, compressed by the client; ranges of one source cannot overlap.
create table engine.archive (
    archive_id   bigint primary key generated always as identity,
    source_id    integer not null references engine.sources,
    first_offset bigint not null,
    next_offset  bigint not null check (next_offset > first_offset),
    day          date not null,
    messages     integer not null,
    offsets      bytea not null,
    sizes        bytea not null,
    received     bytea not null,
    digests      bytea not null,
    body         bytea not null,
    -- source in the high bits: one plain range carries both, so that the exclusion needs no extension
    span         int8range generated always as (
        int8range((source_id::bigint << 40) + first_offset, (source_id::bigint << 40) + next_offset)) stored,
    constraint ranges_never_overlap exclude using gist (span with &&)
);
alter table engine.archive alter column body set storage external;
create index archive_day on engine.archive (day);

create table engine.archived (
    source_id   integer primary key references engine.sources,
    next_offset bigint not null
);

-- Per source: everything before done_through has its bytes archived and its outcome or waiting state recorded.
create table engine.progress (
    source_id    integer primary key references engine.sources,
    done_through bigint not null
);

create table engine.versions (
    versions         integer primary key generated always as identity,
    list_version     text not null,
    settings_version text not null,
    reference        bigint not null,
    unique (list_version, settings_version, reference)
);

-- Reference data: one document a version; the newest is in force.
create table engine.reference (
    version    bigint primary key,
    document   jsonb not null,
    changed_by text not null,
    changed_at timestamptz not null default now()
);

create table engine.participant_keys (
    participant text not null,
    key         bytea not null,
    created_at  timestamptz not null default now(),
    retired_at  timestamptz,
    primary key (participant, key)
);

create table engine.books (
    book          text primary key,
    currency      text not null,
    business_date date not null,
    phase         text not null,
    stopped       boolean not null default false,
    day_from      bigint not null
);

comment on column engine.books.day_from is 'first entry id of the business day: what was used today is summed from there';

create table engine.commands (
    command_id     uuid primary key,
    book           text not null,
    action         text not null,
    arguments      jsonb not null,
    operator       text not null,
    result         text not null,
    ok             boolean not null,
    routed_offset  bigint not null,
    applied_at     timestamptz not null
);

create table engine.operators (
    name       text primary key,
    role       text not null,
    token_hash bytea not null unique,
    created_at timestamptz not null default now(),
    retired_at timestamptz
);

create table engine.cases (
    case_id    integer primary key generated always as identity,
    payment_id uuid not null,
    attempt    smallint not null,
    status     text not null default 'open' check (status in ('open', 'proposed', 'decided')),
    kind       text not null,
    opened_at  timestamptz not null,
    summary    text not null,
    hits       jsonb not null,
    envelope   bytea not null,
    decision   text,
    decided_at timestamptz,
    unique (payment_id, attempt)
);

-- What a first operator wants; kept when it is withdrawn, refused or approved. ``proposal`` is its SHA-256, which
-- binds whoever approves.
create table engine.proposals (
    proposal_id       integer primary key generated always as identity,
    case_id           integer not null references engine.cases,
    proposal          bytea not null check (octet_length(proposal) = 32),
    decision          text not null check (decision in ('release', 'reject', 'block')),
    reason            text not null,
    good_guy_entries  text[] not null default '{}',
    good_guys_expire  date,
    proposed_by       text not null references engine.operators,
    proposed_at       timestamptz not null default now(),
    approved_by       text references engine.operators,
    approved_at       timestamptz,
    dropped_by        text references engine.operators,
    dropped_at        timestamptz,
    constraint four_eyes check (approved_by is null or approved_by <> proposed_by),
    constraint approved_or_dropped check (approved_by is null or dropped_by is null)
);
comment on column engine.proposals.dropped_by is 'who withdrew his own proposal, or refused another''s';
-- One proposal of a case stands at a time; the one that was approved stands for good.
create unique index one_standing_proposal on engine.proposals (case_id) where dropped_at is null;

-- What a decided case sends back into the stream; the recorder's relay publishes it.
create table engine.case_outbox (
    seq       bigint primary key generated always as identity,
    case_id   integer not null references engine.cases,
    topic     text not null,
    partition integer not null,
    payload   bytea not null
);

create table engine.good_guys (
    good_guy_id integer primary key generated always as identity,
    case_id     integer not null references engine.cases,
    document    jsonb not null,
    approved_at timestamptz not null default now()
);

create table engine.crashes (
    source_id integer not null,
    "offset"  bigint not null,
    crashes   integer not null,
    error     text not null,
    at        timestamptz not null default now(),
    primary key (source_id, "offset")
);
create table engine.runs (
    worker        text primary key,
    clean         boolean not null,
    marked_source integer,
    marked_offset bigint,
    at            timestamptz not null default now()
);

do $$
declare t text;
begin
    foreach t in array array['inbox', 'transitions', 'outcomes', 'claims', 'outbox', 'commands', 'archive', 'reference', 'versions',
        'good_guys'] loop
        execute format('create trigger append_only before update or delete on engine.%I for each row execute function ledger.refuse_change()', t);
        execute format('create trigger no_truncate before truncate on engine.%I execute function ledger.refuse_change()', t);
    end loop;
end
$$;

grant select on all tables in schema engine to qenex_writer, qenex_reader;
revoke select on engine.participant_keys, engine.operators from qenex_reader;
grant insert on all tables in schema engine to qenex_writer;
grant update on engine.leases, engine.positions, engine.relays, engine.archived, engine.progress, engine.books, engine.cases,
    engine.proposals, engine.crashes, engine.runs, engine.participant_keys, engine.operators to qenex_writer;
grant delete on engine.waiting, engine.crashes to qenex_writer;
grant update on engine.waiting to qenex_writer;
grant usage on all sequences in schema engine to qenex_writer;
