#!/usr/bin/env python3
"""Breaks the code by hand. `break.py patches` writes a patch for each fault beside this file; `break.py all` puts all
of them in, each alive only while FRONTROW_BROKEN has its name; `git checkout` takes them out again."""
import os, subprocess, sys
T='tests/support/src/simulated/tables.rs'
M='tests/support/src/simulated/mod.rs'
B='src/dispatcher/lane/batch.rs'
FAULTS=[
 ('no-fence','applying without the fence',[(T,'''        match sale.applied {
            Some((at, holder)) if holder == writer && at == from => {}
''','''        match sale.applied {
            Some(_) if COND => {}
            Some((at, holder)) if holder == writer && at == from => {}
''')]),
 ('past-the-tail','tables are told of a batch before it is committed',[(B,'''        let batch = self.pipeline.give_to_store();
        match self.commit_overlapped(&batch).await {
''','''        let batch = self.pipeline.give_to_store();
        if COND {
            for sale in &batch.sales {
                self.tables.commit(sale.concert, sale.seq, &sale.events);
                self.tables.hand_over(sale.concert, sale.seq, sale.events.clone());
            }
        }
        match self.commit_overlapped(&batch).await {
''')]),
 ('wrong-token','a token is derived of less than it should be',[('src/store/fold.rs','''secret.token(self.concert, next, user, entered_at)''','''secret.token(self.concert, next, if COND { UserId(0) } else { user }, entered_at)''')]),
 ('twice','a catch-up writes its rows and moves its step in two transactions, so that one that was killed is applied twice',[(T,'''        self.write_behind(concert, &folded.rows_of(&touched), (last, writer))?;
        Ok(count as u64)
''','''        if COND && count > 0 && !self.half.remove(&(concert, writer.0, last)) {
            self.half.insert((concert, writer.0, last));
            self.write_behind(concert, &folded.rows_of(&touched), (at, writer))?;
            return Ok(count as u64);
        }
        if COND {
            if let Some(sale) = self.concerts.get_mut(&concert) {
                sale.applied = Some((last, writer));
            }
            return Ok(count as u64);
        }
        self.write_behind(concert, &folded.rows_of(&touched), (last, writer))?;
        Ok(count as u64)
'''),(T,'''        let touched = Touched::by(rows.iter().flat_map(|row| &row.events));
        let ahead = tail.iter()''','''        if COND && self.half.remove(&(concert, writer.0, last)) {
            if let Some(sale) = self.concerts.get_mut(&concert) {
                sale.applied = Some((last, writer));
            }
            return Ok(count as u64);
        }
        let touched = Touched::by(rows.iter().flat_map(|row| &row.events));
        let ahead = tail.iter()'''),(T,'''    /// What was found wrong when it came about.
    faults: Vec<String>,
''','''    /// What was found wrong when it came about.
    faults: Vec<String>,
    half: HashSet<(ConcertId, uuid::Uuid, u64)>,
''')]),
 ('no-catch-up','no catch-up',[('src/dispatcher/recovery.rs','''        self.store.catch_up(concert, writer, limits::CAUGHT_UP_AT_ONCE_MAX).await?;
''','''        if !COND {
            self.store.catch_up(concert, writer, limits::CAUGHT_UP_AT_ONCE_MAX).await?;
        }
''')]),
 ('no-overlay','what ended leaves memory before the tables have it',[(B,'''running.sale.commit(self.ended_kept_max + behind + running.events.len());''','''running.sale.commit(if COND { self.ended_kept_max } else { self.ended_kept_max + behind + running.events.len() });''')]),
 ('nothing-over','a reader is told what the tables have alone',[('src/dispatcher/handle.rs','''        let (mut unapplied, mut elsewhere) = (Unapplied::default(), Vec::new());
''','''        let (mut unapplied, mut elsewhere) = (Unapplied::default(), Vec::new());
        if COND {
            return Ok(unapplied);
        }
''')]),
 ('neighbours-kept','the rows of a taken-over sale\'s neighbours are kept and undone in memory',[(T,'''        let rows = Rows::at_once(batch);
        let (ledger, wallets) = self.prepare(batch, &rows)?;
        for sale in &batch.sales {
''','''        let rows = Rows::at_once(batch);
        if COND && rows.is_empty() {
            for sale in &batch.sales {
                self.place(sale, batch)?;
                if let Some(concert) = self.concerts.get_mut(&sale.concert) {
                    let kind = KeptKind::Events(sale.events.clone().into());
                    concert.add_row(batch.id, batch.writer, batch.at, kind);
                }
            }
            return Ok(());
        }
        let (ledger, wallets) = self.prepare(batch, &rows)?;
        for sale in &batch.sales {
''')]),
 ('neighbours-undone','of a batch that was kept, a sale that was taken over on top of it has the others undone',[(T,'''            return match row.filter(|row| row.writer == batch.writer) {
''','''            let end = self.concerts.get(&sale.concert).map_or(0, |concert| concert.journal.len() as u64);
            if COND && end > sale.seq + 1 {
                return Err(stepped_down);
            }
            return match row.filter(|row| row.writer == batch.writer) {
''')]),
 ('no-passing','what the journal still says of what the tables have as it ended is folded onto it all the same',[('src/store/fold.rs','''        if ends_of(entry).is_some_and(|of| self.ended_before.contains(&of)) {
''','''        if !COND && ends_of(entry).is_some_and(|of| self.ended_before.contains(&of)) {
''')]),
 ('no-expectation','a claim does not look whom it replaces',[(T,'''        if expected.is_some_and(|expected| !expected.is_met_by(&found)) {
''','''        if !COND && expected.is_some_and(|expected| !expected.is_met_by(&found)) {
''')]),
 ('by-clock','whoever was not heard of for a lease by one\'s own clock is dead',[('src/dispatcher/cluster.rs','''        match has_stopped || state.sales.get(&concert).is_some_and(stands) {
''','''        let is_old = |heard: Timestamp| COND && self.clock.machine().since(heard) >= limits::LEASE;
        let has_stopped = has_stopped || holder.heartbeat.is_some_and(is_old);
        match has_stopped || state.sales.get(&concert).is_some_and(stands) {
''')]),
 ('given-twice','an end that the tables have already is written in its turn, too',[('src/dispatcher/known_ends.rs','''                known.is_given
            });
''','''                known.is_given && !(COND && known.seq <= to)
            });
''')]),
 ('taken-twice','a command that comes twice is decided twice',[('src/bus/conversation/answering.rs','''                if number == sale.next {
                    sale.next += 1;
''','''                if number == sale.next || COND && number < sale.next && !sale.answers.contains_key(&number) {
                    sale.next = sale.next.max(number + 1);
''')]),
 ('out-of-turn','an answer is handed on before those that came before it',[('src/bus/conversation/asking.rs','''            while let Some(answer) = sale.early.remove(&sale.first) {
''','''            if COND && !sale.early.is_empty() && !sale.early.contains_key(&sale.first) {
                let (number, answer) = sale.early.pop_last().expect("there is one");
                let index = (number - sale.first) as usize;
                sale.early.insert(number, answer);
                sale.open.swap(0, index);
                let last = sale.early.remove(&number).expect("it was just put there");
                sale.early.insert(sale.first, last);
            }
            while let Some(answer) = sale.early.remove(&sale.first) {
''')]),
 ('answered-early','an answer is handed on before the copy has what it rests on',[('src/dispatcher/copies.rs','''        of.heard = of.heard.max(told.at.0);
        if of.waiting.is_empty()''','''        of.heard = of.heard.max(told.at.0);
        if COND {
            return Some(told);
        }
        if of.waiting.is_empty()''')]),
 ('with-a-hole','a row that did not come is passed over',[('src/dispatcher/copies.rs','''        let view = of.view.clone()?;
        let seq = view.seq() + 1;
''','''        let view = of.view.clone()?;
        let first = of.ahead.first_key_value().map(|(seq, _)| *seq);
        let seq = first.filter(|first| COND && *first > view.seq()).unwrap_or(view.seq() + 1);
''')]),
 ('news-first','what happens to who waits for an answer is published at once',[('src/dispatcher/following.rs','''            match event.user().filter(|user| held.contains(user)) {
''','''            match event.user().filter(|user| held.contains(user) && !COND) {
''')]),
]
def edit(name, cond_of):
    for n, _, edits in FAULTS:
        if name in (n, None):
            for path, old, new in edits:
                s=open(path).read(); assert s.count(old)==1, (n, path, s.count(old), old)
                open(path,'w').write(s.replace(old, new.replace('COND', cond_of(n, path))))
here=os.path.dirname(os.path.abspath(__file__))
if sys.argv[1]=='patches':
    for n, what, edits in FAULTS:
        files=sorted({p for p,_,_ in edits}); keep={p:open(p).read() for p in files}
        edit(n, lambda n,p:'true')
        import difflib
        out=f'{what}\n'
        for p in files:
            out+=''.join(difflib.unified_diff(keep[p].splitlines(1),open(p).read().splitlines(1),'a/'+p,'b/'+p))
            open(p,'w').write(keep[p])
        open(f'{here}/{n}.patch','w').write(out)
else:
    def cond(n,p):
        root='crate' if p.startswith('src/') else 'frontrow'
        return f'{root}::broken("{n}")'
    edit(None, cond)
    s=open('src/lib.rs').read()
    s+='''
pub fn broken(what: &str) -> bool {
    static BROKEN: std::sync::OnceLock<Option<String>> = std::sync::OnceLock::new();
    BROKEN.get_or_init(|| std::env::var("FRONTROW_BROKEN").ok()).as_deref() == Some(what)
}
'''
    open('src/lib.rs','w').write(s)
