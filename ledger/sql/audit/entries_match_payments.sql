-- Every entry of a payment moves what was decided: the amount, from the debit to the credit participant, in the
-- payment's book and currency.
with released as materialized (
    select payment_id, max(attempt) as attempt from engine.inbox group by payment_id having max(attempt) > 0
),
compared as materialized (
    select e.entry_id, e.payment_id, i.amount, i.debit, i.credit,
           i.payment_id is not null and i.writer = e.book and d.amount = -i.amount and c.amount = i.amount
           and da.participant = i.debit and ca.participant = i.credit and da.currency = i.currency as matches
    from ledger.entries e
    left join released r on r.payment_id = e.payment_id
    left join engine.inbox i on i.payment_id = e.payment_id and i.attempt = coalesce(r.attempt, 0)
    left join ledger.postings d on d.entry_id = e.entry_id and d.amount < 0
    left join ledger.postings c on c.entry_id = e.entry_id and c.amount > 0
    left join ledger.accounts da on da.account_id = d.account_id
    left join ledger.accounts ca on ca.account_id = c.account_id
    where e.payment_id is not null and e.kind <> 'blocked'
),
bad (what) as materialized (
    select format('entry %s is not what was decided for payment %s (%s from %s to %s)',
                  entry_id, payment_id, amount, debit, credit)
    from compared where matches is not true
)
select (select count(*) from compared) as examined, (select count(*) from bad) as violations,
       (select string_agg(what, '; ') from (select what from bad order by what limit 5) first) as detail
