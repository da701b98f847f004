-- Nothing is posted twice, and nothing without a decision: a payment has one entry exactly when its outcome is SETTLED
-- (a BLOCKED one may have moved to the blocked account), and an entry without a payment belongs to a command that was
-- carried out at that moment.
with posted as materialized (
    select payment_id, count(*) as entries, min(entry_id) as entry_id from ledger.entries
    where payment_id is not null group by payment_id
),
settled as materialized (
    select payment_id, bool_or(state = 'SETTLED') as settled, bool_or(state in ('SETTLED', 'BLOCKED')) as may
    from engine.outcomes group by payment_id
),
bad (what) as materialized (
    select case
        when p.entries > 1 then format('payment %s has %s entries', payment_id, p.entries)
        when p.payment_id is null then format('payment %s is SETTLED and has no entry', payment_id)
        else format('entry %s of payment %s, which is not SETTLED', p.entry_id, payment_id)
    end
    from posted p full join settled s using (payment_id)
    where p.entries > 1 or (p.payment_id is null and s.settled) or (p.payment_id is not null and s.may is not true)
    union all
    select format('entry %s (%s) has neither payment nor command', e.entry_id, e.kind)
    from ledger.entries e
    where e.payment_id is null and not exists (
        select from engine.commands c where c.book = e.book and c.ok and c.applied_at = e.posted_at)
)
select (select count(*) from ledger.entries) as examined, (select count(*) from bad) as violations,
       (select string_agg(what, '; ') from (select what from bad order by what limit 5) first) as detail
