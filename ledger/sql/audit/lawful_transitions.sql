-- Every state that a payment was in may follow the one before (the table of settlement.lifecycle): the first decision
-- follows receipt or clearing, a further attempt follows HELD, and steps are numbered without a gap.
with events as (
    select payment_id, attempt * 1000 as step, state from engine.inbox
    union all
    select payment_id, step, state from engine.transitions
),
chained as materialized (
    select payment_id, step, state, lag(state) over following as before, lag(step) over following as step_before
    from events
    window following as (partition by payment_id order by step)
),
bad (what) as materialized (
    select case
        when before is null and step <> 0 then format('payment %s has no first decision', payment_id)
        when before is null then format('payment %s begins as %s', payment_id, state)
        else format('payment %s goes from %s (step %s) to %s (step %s)', payment_id, before, step_before, state, step)
    end
    from chained
    where case
        when before is null then step <> 0 or state <> all(:first::text[])
        when step % 1000 = 0 then
            step / 1000 <> step_before / 1000 + 1 or before <> 'HELD' or state <> all(:released::text[])
        else step <> step_before + 1 or not exists (
            select from unnest(:before::text[], :after::text[]) as lawful (before, after)
            where lawful.before = chained.before and lawful.after = chained.state)
    end
)
select (select count(*) from chained) as examined, (select count(*) from bad) as violations,
       (select string_agg(what, '; ') from (select what from bad order by what limit 5) first) as detail
