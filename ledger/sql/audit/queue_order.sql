-- The order of a queue can be explained: within one book, debtor and class, nothing settled while an earlier arrival
-- was waiting, unless an operator's command moved one of the two. Schemes that never wait are outside of the queue, and
-- so is what came out of the warehouse, whose place is taken when its day opens. Settling in one commit is no overtaking.
with debtors as materialized (
    select distinct writer, debit from engine.inbox where state = 'QUEUED'
),
moved_by_command as materialized (
    select (arguments ->> 'payment_id')::uuid as payment_id from engine.commands
    where ok and action in ('move', 'priority')
),
arrived as (
    -- the class is looked up by name: a schema that does not keep it has one class
    select i.payment_id, i.writer, i.debit, coalesce(to_jsonb(i) ->> 'priority', 'normal') as class, i.routed_offset,
           i.state, i.decided_at, i.scheme, t.state as next_state, t.at as next_at
    from engine.inbox i
    join debtors d on d.writer = i.writer and d.debit = i.debit
    left join engine.transitions t on t.payment_id = i.payment_id and t.step = i.attempt * 1000 + 1
    where i.state in ('QUEUED', 'SETTLED')
      and not exists (select from moved_by_command m where m.payment_id = i.payment_id)
),
placed as (
    select payment_id, writer, debit, routed_offset,
           case when state = 'SETTLED' then decided_at when next_state = 'SETTLED' then next_at end as settled_at,
           max(case when state = 'QUEUED' then coalesce(next_at, 'infinity') end) over (
               partition by writer, debit, class order by routed_offset
               rows between unbounded preceding and 1 preceding) as last_left,
           scheme
    from arrived
),
bad (what) as materialized (
    select format('payment %s of %s in %s settled while an earlier one of its class was waiting',
                  payment_id, debit, writer)
    from placed where settled_at < last_left and (scheme is null or scheme <> all(:never_wait::text[]))
)
select (select count(*) from engine.inbox where state in ('QUEUED', 'SETTLED')) as examined,
       (select count(*) from bad) as violations,
       (select string_agg(what, '; ') from (select what from bad order by what limit 5) first) as detail
