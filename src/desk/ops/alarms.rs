//! Alarms in the words of the wire, and what operators do with them.

use frontrow_protocol::ErrorObject;
use frontrow_protocol::ops::alarms::{self as wire, SeenBy};

use crate::desk::{Context, translate};
use crate::fanout::Fanout;
use crate::ops::alarms::Alarm;
use crate::store::operators::Note;

impl Context {
    /// Those that go on and those that are over, from the newest, or from the one before `before`.
    pub async fn list_alarms(&self, before: Option<u64>, limit: u32) -> Result<wire::Alarms, ErrorObject> {
        let past = match self.store.alarms() {
            // One more than is told says whether there are more.
            Some(store) => self.read(store.past_alarms(before, limit + 1)).await?,
            None => Vec::new(),
        };
        let told = &past[..past.len().min(limit as usize)];
        let next = told.last().filter(|_| past.len() > told.len()).map(|alarm| alarm.id);
        let past = told.iter().map(|row| told_alarm(&self.fanout, &Alarm::of_row(row)));
        Ok(wire::Alarms { open: self.open_alarms(), past: past.collect(), next })
    }

    /// Those that go on, oldest first.
    pub fn open_alarms(&self) -> Vec<wire::Alarm> {
        self.alarms.open().iter().map(|alarm| told_alarm(&self.fanout, alarm)).collect()
    }

    /// Notes that an operator saw an alarm.
    pub async fn see_alarm(&self, alarm: u64, note: &Note) -> Result<wire::Alarm, ErrorObject> {
        let store = self.store.alarms().ok_or_else(|| ErrorObject::not_found("alarm"))?;
        let row = self
            .change(store.see_alarm(alarm, note))
            .await?
            .ok_or_else(|| ErrorObject::not_found("alarm"))?;
        self.alarms.look_again();
        Ok(told_alarm(&self.fanout, &Alarm::of_row(&row)))
    }

    /// Ends an alarm by an operator's word; one that is over stays as it is. What is still wrong is raised anew.
    pub async fn end_alarm(&self, id: u64, note: &Note) -> Result<wire::Alarm, ErrorObject> {
        let missing = || ErrorObject::not_found("alarm");
        let store = self.store.alarms().ok_or_else(missing)?;
        let row = self.read(store.alarm(id)).await?.ok_or_else(missing)?;
        let alarm = Alarm::of_row(&row);
        if alarm.ended_at.is_some() {
            return Ok(told_alarm(&self.fanout, &alarm));
        }
        let over = Alarm { ended_at: Some(note.at.max(alarm.raised_at)), ..alarm };
        let message = over.message(over.concert(&self.fanout), Some(self.alarms.server()));
        let closed = self.change(store.close_alarm(&row, &message, note)).await?;
        self.alarms.look_again();
        self.webhooks.wake();
        if closed {
            return Ok(told_alarm(&self.fanout, &over));
        }
        // It ended by itself meanwhile.
        let row = self.read(store.alarm(id)).await?.ok_or_else(missing)?;
        Ok(told_alarm(&self.fanout, &Alarm::of_row(&row)))
    }
}

fn told_alarm(fanout: &Fanout, of: &Alarm) -> wire::Alarm {
    wire::Alarm {
        alarm_id: of.id,
        kind: of.kind.clone(),
        subject: of.subject.clone(),
        concert_id: of.concert(fanout).map(|concert| concert.0),
        raised_at: translate::time(of.raised_at),
        ended_at: of.ended_at.map(translate::time),
        facts: of.facts.clone(),
        seen_by: of
            .seen_by
            .as_ref()
            .map(|(id, name)| SeenBy { operator_id: id.map(|id| id.0), name: name.clone() }),
    }
}
