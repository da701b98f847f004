-- One set of outgoing messages an outcome: the outbox holds exactly those that the outcome counted, none of them twice;
-- every outgoing message answers or delivers something that was decided; the numbers of a writer have no gap but those
-- that a ledger restored from a backup may not give again.
with counted as materialized (
    select c.payment_id, c.writer_no, c.outbox_first, c.outbox_count, count(o.seq) as there,
           count(distinct (o.recipient, o.type)) as different
    from engine.outcomes c
    left join engine.outbox o on o.payment_id = c.payment_id and o.writer_no = c.writer_no
         and o.seq >= c.outbox_first and o.seq < c.outbox_first + c.outbox_count
    where c.outbox_count > 0
    group by 1, 2, 3, 4
),
numbered as materialized (
    select o.writer_no, count(*) as messages, min(seq) as first, max(seq) as last,
           coalesce((select sum(s.last_seq - s.first_seq + 1) from engine.skipped_numbers s
                     where s.writer_no = o.writer_no and s.first_seq <= max(o.seq)), 0)::bigint as skipped,
           exists (select from engine.skipped_numbers s where s.writer_no = o.writer_no and s.first_seq = 1) as late
    from engine.outbox o group by writer_no
),
bad (what) as materialized (
    select case
        when there <> outbox_count then
            format('payment %s: the outcome counts %s messages, the outbox has %s', payment_id, outbox_count, there)
        else format('payment %s: the same message to the same recipient twice', payment_id)
    end
    from counted where there <> outbox_count or different <> there
    union all
    select format('message %s-%s answers a payment that was never decided (%s)', o.writer_no, o.seq, o.payment_id)
    from engine.outbox o left join engine.inbox i on i.payment_id = o.payment_id and i.attempt = 0
    where i.payment_id is null
    union all
    select format('the outbox of writer %s has %s messages from %s to %s', writer_no, messages, first, last)
    from numbered where (first <> 1 and not late) or messages + skipped <> last
)
select (select coalesce(sum(messages), 0)::bigint from numbered) as examined, (select count(*) from bad) as violations,
       (select string_agg(what, '; ') from (select what from bad order by what limit 5) first) as detail
